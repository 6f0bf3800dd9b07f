import { type FlagField, flag, type ListField, list, type TextField, text } from "./field.ts";

/**
 * A setting of the installer. Its key `k3os.install.NAME`, its option, variable and argument, its merging, and the
 * tables of the documentation are derived from this; a test compares install.sh with it.
 */
export interface InstallerSetting {
  /** The type, and the text for the reference. */
  readonly field: FlagField | TextField | ListField<TextField>;
  /** It is not a key of the configuration. */
  readonly key?: false;
  /** The option without its dashes. */
  readonly flag?: string;
  /** Placeholder of the option's value in the help. */
  readonly value?: string;
  /** Placeholder of the argument with the same meaning; arguments are in the order of this declaration. */
  readonly argument?: string;
  readonly env: string;
  /** Text for the option's help and the tables. */
  readonly help: string;
}

/** Every setting of the installer, declared once. The names and variables are those of the original's install.sh. */
export const INSTALLER_SETTINGS = {
  device: {
    argument: "DEVICE",
    flag: "device",
    value: "DEVICE",
    env: "K3OS_INSTALL_DEVICE",
    help: "disk to install to, or partition to keep",
    field: text({
      description:
        "Disk to install to, which is erased. With `no_format`, it is the state partition and is kept. Default: a prompt on a terminal, otherwise an error.",
      example: "/dev/vda",
    }),
  },
  isoUrl: {
    argument: "ISO_URL",
    env: "K3OS_INSTALL_ISO_URL",
    help: "ISO to install from: a URL or a file",
    field: text({
      description:
        "URL or path of the ISO to install from. A network boot also runs from it. Default, and fallback if it is unreachable: the medium that the machine runs from, an attached medium, or the ISO of the running version.",
      example: "https://example.com/k3os-amd64.iso",
    }),
  },
  configUrl: {
    flag: "config",
    value: "FILE|URL",
    env: "K3OS_INSTALL_CONFIG_URL",
    help: "configuration of the installed system",
    field: text({
      description:
        "URL or path of the configuration for the installed system. Default: the configuration of the running system.",
      example: "https://example.com/node.yaml",
    }),
  },
  tty: {
    flag: "tty",
    value: "TTY",
    env: "K3OS_INSTALL_TTY",
    help: "console besides tty1: ttyS0 or ttyS0,115200",
    field: text({
      description: "Console of the installed system besides tty1. Default: the terminal of the installer.",
      example: "ttyS0,115200",
    }),
  },
  forceEfi: {
    flag: "force-efi",
    env: "K3OS_INSTALL_FORCE_EFI",
    help: "install for UEFI even on a machine that booted with BIOS",
    field: flag({
      aliases: ["efi"],
      description:
        "Partition for UEFI and install its boot loader, even on a machine that booted with BIOS. Default: false.",
      example: true,
    }),
  },
  noFormat: {
    flag: "no-format",
    env: "K3OS_INSTALL_NO_FORMAT",
    help: "keep partitions, data and boot loader: DEVICE is a partition with ext4",
    field: flag({
      description:
        "Do not partition or format: use the file system labelled `K3OS_STATE`, or give DEVICE that label. Default: false.",
      example: true,
    }),
  },
  powerOff: {
    flag: "poweroff",
    env: "K3OS_INSTALL_POWER_OFF",
    help: "power off when done",
    field: flag({
      description: "Power off after the installation instead of rebooting. Default: false.",
      example: true,
    }),
  },
  takeOver: {
    flag: "takeover",
    env: "K3OS_INSTALL_TAKE_OVER",
    help: "replace the running system: DEVICE is the partition of /",
    field: flag({
      description:
        "At the next boot, delete the old system on the partition. Use it to turn a running machine into a k3OS image. Default: false.",
      example: true,
    }),
  },
  copyNetwork: {
    key: false,
    flag: "copy-network",
    env: "K3OS_INSTALL_COPY_NETWORK",
    help: "copy the static addresses and name servers of this system",
    field: flag({}),
  },
  releaseKeys: {
    flag: "key",
    value: "KEY",
    env: "K3OS_INSTALL_KEY",
    help: "trust releases signed with this minisign key (file or text)",
    field: list(text(), {
      aliases: ["keys"],
      description:
        "minisign public keys (a file, or the key itself) to trust in addition to the built-in keys.",
      example: ["RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"],
    }),
  },
  insecureSkipVerify: {
    flag: "insecure-skip-verify",
    env: "K3OS_INSTALL_INSECURE_SKIP_VERIFY",
    help: "install an unsigned ISO",
    field: flag({
      description: "Install an ISO without a trusted signature. Default: false.",
      example: true,
    }),
  },
  force: {
    flag: "force",
    env: "K3OS_INSTALL_FORCE",
    help: "erase DEVICE even if it contains data of another system",
    field: flag({
      description: "Erase the disk even if it contains data of another system. Default: false.",
      example: true,
    }),
  },
  silent: {
    flag: "silent",
    env: "K3OS_INSTALL_SILENT",
    help: "do not prompt",
    field: flag({ description: "Do not prompt. Default: false.", example: true }),
  },
  debug: {
    flag: "debug",
    env: "K3OS_INSTALL_DEBUG",
    help: "start the installed system with k3os.debug",
    field: flag({
      description: "Start the installed system with `k3os.debug`. Default: false.",
      example: true,
    }),
  },
} as const satisfies Readonly<Record<string, InstallerSetting>>;

export type InstallerSettings = typeof INSTALLER_SETTINGS;

/** The fields of `k3os.install`. */
export type InstallerKeys = {
  readonly [Name in keyof InstallerSettings as InstallerSettings[Name] extends { readonly key: false }
    ? never
    : Name]: InstallerSettings[Name]["field"];
};

export const INSTALLER_KEYS = Object.fromEntries(
  Object.entries<InstallerSetting>(INSTALLER_SETTINGS).flatMap(([name, { key, field }]) => {
    return key === false ? [] : [[name, field]];
  }),
) as InstallerKeys;
