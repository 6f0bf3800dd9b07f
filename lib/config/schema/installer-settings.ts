import { type FlagField, flag, type ListField, list, type TextField, text } from "./field.ts";

/**
 * A setting of the installer. Its key `k3os.install.NAME`, its option, variable and argument, how they are merged, and the
 * tables of the documentation follow from this; install.sh is compared with it.
 */
export interface InstallerSetting {
  /** The type, and what the reference says of the key. */
  readonly field: FlagField | TextField | ListField<TextField>;
  /** It is no key of the configuration. */
  readonly key?: false;
  /** The option without its dashes. */
  readonly flag?: string;
  /** What stands for the option's value in the help. */
  readonly value?: string;
  /** What stands for the argument that means the same; arguments come in the order of this declaration. */
  readonly argument?: string;
  readonly env: string;
  /** For the option's help and tables. */
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
        "The disk to install to. It is erased, except with `no_format`, where it is the state partition. Without it, the disk is asked for; where nobody can be asked, that is an error.",
      example: "/dev/vda",
    }),
  },
  isoUrl: {
    argument: "ISO_URL",
    env: "K3OS_INSTALL_ISO_URL",
    help: "ISO to install from: a URL or a file",
    field: text({
      description:
        "URL or path of the ISO to install from. A machine that was started from the network runs from it, too. Default, and where it cannot be reached: the medium that the machine runs from or that is attached, else the ISO of the running version.",
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
        "URL or path of the configuration that the installed system gets. Without it, that is the configuration of the running system.",
      example: "https://example.com/node.yaml",
    }),
  },
  tty: {
    flag: "tty",
    value: "TTY",
    env: "K3OS_INSTALL_TTY",
    help: "console besides tty1: ttyS0 or ttyS0,115200",
    field: text({
      description: "Console of the installed system beside tty1. Default: the terminal of the installer.",
      example: "ttyS0,115200",
    }),
  },
  forceEfi: {
    flag: "force-efi",
    env: "K3OS_INSTALL_FORCE_EFI",
    help: "install for UEFI even if a BIOS started this machine",
    field: flag({
      aliases: ["efi"],
      description:
        "Partition for UEFI and install its boot loader even if this machine was started by a BIOS. Default: false.",
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
    help: "replace the running system: DEVICE is what / is on",
    field: flag({
      description:
        "At the first boot, delete all of the system that occupied the partition before. For turning a running machine into a k3OS image. Default: false.",
      example: true,
    }),
  },
  copyNetwork: {
    key: false,
    flag: "copy-network",
    env: "K3OS_INSTALL_COPY_NETWORK",
    help: "carry over this system's static addresses and name servers",
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
        "minisign public keys (a file, or the key itself) whose releases may be installed, besides the keys that k3OS knows.",
      example: ["RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"],
    }),
  },
  insecureSkipVerify: {
    flag: "insecure-skip-verify",
    env: "K3OS_INSTALL_INSECURE_SKIP_VERIFY",
    help: "install what nobody has signed",
    field: flag({
      description: "Install an ISO that nobody whose key is known has signed. Default: false.",
      example: true,
    }),
  },
  force: {
    flag: "force",
    env: "K3OS_INSTALL_FORCE",
    help: "erase DEVICE even if it holds data of another system",
    field: flag({
      description:
        "Erase the disk even if it holds data of another system, which is refused otherwise. Default: false.",
      example: true,
    }),
  },
  silent: {
    flag: "silent",
    env: "K3OS_INSTALL_SILENT",
    help: "ask nothing",
    field: flag({ description: "Ask nothing. Default: false.", example: true }),
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
