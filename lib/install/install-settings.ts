import type { InstallConfig } from "../config/schema/schema.ts";
import { type Options, type Values, valueFromEnv } from "../tools/cli/cli.ts";
import type { Host } from "../tools/host/host.ts";
import { CommandError } from "../tools/text/errors.ts";

/** The options of `k3os install`; names and variables are those of the original's install.sh. */
export const INSTALL_OPTIONS = {
  device: {
    type: "string",
    value: "DEVICE",
    help: "the same as the argument DEVICE [K3OS_INSTALL_DEVICE]",
  },
  config: {
    type: "string",
    value: "FILE|URL",
    help: "configuration of the installed system",
    env: "K3OS_INSTALL_CONFIG_URL",
  },
  tty: {
    type: "string",
    value: "TTY",
    help: "console besides tty1: ttyS0 or ttyS0,115200",
    env: "K3OS_INSTALL_TTY",
  },
  "force-efi": {
    type: "boolean",
    help: "install for UEFI even if a BIOS started this machine",
    env: "K3OS_INSTALL_FORCE_EFI",
  },
  "no-format": {
    type: "boolean",
    help: "keep partitions, data and boot loader: DEVICE is a partition with ext4",
    env: "K3OS_INSTALL_NO_FORMAT",
  },
  poweroff: {
    type: "boolean",
    help: "power off when done",
    env: "K3OS_INSTALL_POWER_OFF",
  },
  takeover: {
    type: "boolean",
    help: "replace the running system: DEVICE is what / is on",
    env: "K3OS_INSTALL_TAKE_OVER",
  },
  "copy-network": {
    type: "boolean",
    help: "carry over this system's static addresses and name servers",
    env: "K3OS_INSTALL_COPY_NETWORK",
  },
  key: {
    type: "string",
    multiple: true,
    value: "KEY",
    help: "trust releases signed with this minisign key (file or text)",
    env: "K3OS_INSTALL_KEY",
  },
  "insecure-skip-verify": {
    type: "boolean",
    help: "install what nobody has signed",
    env: "K3OS_INSTALL_INSECURE_SKIP_VERIFY",
  },
  bootstrap: {
    type: "boolean",
    help: "run on another Linux, as install.sh does",
  },
  force: {
    type: "boolean",
    help: "erase DEVICE even if it holds data of another system",
    env: "K3OS_INSTALL_FORCE",
  },
  yes: { type: "boolean", short: "y", help: "ask nothing" },
  silent: { type: "boolean", help: "the same as --yes", env: "K3OS_INSTALL_SILENT" },
  "dry-run": { type: "boolean", help: "check everything and show the plan, but change nothing" },
} as const satisfies Options;

/** What an installation is asked to do, from all places where that can be said. */
export interface InstallSettings {
  readonly device: string | undefined;
  readonly isoUrl: string | undefined;
  /** Only the configuration names the ISO, as a boot menu does for machines without a medium: one at hand will do. */
  readonly isoOptional: boolean;
  readonly configUrl: string | undefined;
  /** `ttyS0` or `ttyS0,115200`, checked. */
  readonly tty: string | undefined;
  readonly forceEfi: boolean;
  readonly noFormat: boolean;
  readonly powerOff: boolean;
  readonly takeOver: boolean;
  readonly copyNetwork: boolean;
  /** minisign public keys to trust besides those of this program: paths, or the keys themselves. */
  readonly keys: readonly string[];
  readonly insecure: boolean;
  /** This is another Linux: nothing in it is meant as configuration of k3OS. */
  readonly bootstrap: boolean;
  /** Where the release lies that the ISO is taken from when none is named. */
  readonly releaseUrl: string | undefined;
  /** The installed system starts with `k3os.debug`. */
  readonly debug: boolean;
  readonly silent: boolean;
  /** The command line has not said what to do: a person is asked for all that is not configured. */
  readonly interview: boolean;
  /** Consent to erase what is not ours. */
  readonly force: boolean;
  readonly dryRun: boolean;
  /** An image, device or directory that is the medium, whatever else is attached. */
  readonly medium: string | undefined;
  /** What happens after success. DEVICE on the command line means that a person or a script goes on from there. */
  readonly afterwards: "return" | "reboot" | "power-off";
}

/**
 * Merges the sources of the settings: command line over environment over configuration. `values` holds the options
 * already completed from the environment. Throws CommandError for a terminal name that cannot be one.
 */
export function mergeSettings(
  values: Values<typeof INSTALL_OPTIONS> & { readonly debug: boolean; readonly json: boolean },
  positionals: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  config: InstallConfig,
): InstallSettings {
  const [device, isoArgument] = positionals;
  const isoUrl = isoArgument ?? text(env.K3OS_INSTALL_ISO_URL);
  const given = device ?? values.device;
  const flag = (option: boolean, variable: string, configured: boolean | undefined): boolean =>
    option || (envFlag(variable, env) ?? configured ?? false);
  const named = given ?? text(env.K3OS_INSTALL_DEVICE);
  const chosen = named ?? config.device;
  const powerOff = flag(values.poweroff, "K3OS_INSTALL_POWER_OFF", config.powerOff);
  const takeOver = flag(values.takeover, "K3OS_INSTALL_TAKE_OVER", config.takeOver);
  const noFormat = takeOver || flag(values["no-format"], "K3OS_INSTALL_NO_FORMAT", config.noFormat);
  return {
    device: chosen,
    isoUrl: isoUrl ?? config.isoUrl,
    isoOptional: isoUrl === undefined && config.isoUrl !== undefined,
    configUrl: values.config ?? config.configUrl,
    tty: checkTty(values.tty ?? config.tty),
    forceEfi: flag(values["force-efi"], "K3OS_INSTALL_FORCE_EFI", config.forceEfi),
    noFormat,
    powerOff,
    takeOver,
    copyNetwork: flag(values["copy-network"], "K3OS_INSTALL_COPY_NETWORK", undefined),
    keys: values.key.length > 0 ? values.key : (config.releaseKeys ?? []),
    insecure: flag(
      values["insecure-skip-verify"],
      "K3OS_INSTALL_INSECURE_SKIP_VERIFY",
      config.insecureSkipVerify,
    ),
    bootstrap: values.bootstrap,
    releaseUrl: text(env.K3OS_RELEASE_URL),
    debug: flag(values.debug, "K3OS_INSTALL_DEBUG", config.debug),
    silent: values.yes || flag(values.silent, "K3OS_INSTALL_SILENT", config.silent),
    interview: named === undefined && values.config === undefined && !noFormat && !values.json,
    force: flag(values.force, "K3OS_INSTALL_FORCE", config.force),
    dryRun: values["dry-run"],
    medium: text(env.ISO_DEVICE),
    afterwards: whatFollows({
      asked: given !== undefined,
      off: values.poweroff,
      powerOff,
      takeOver,
      device: chosen,
    }),
  };
}

/**
 * A takeover is complete only after the restart: it is that which may end with the power off. It needs no DEVICE, so that
 * its absence from the command line does not show that nobody is there.
 */
function whatFollows(options: {
  readonly asked: boolean;
  readonly device: string | undefined;
  readonly off: boolean;
  readonly powerOff: boolean;
  readonly takeOver: boolean;
}): InstallSettings["afterwards"] {
  if (options.takeOver) return options.asked || options.device === undefined ? "return" : "reboot";
  if (options.asked && !options.off) return "return";
  return options.powerOff ? "power-off" : "reboot";
}

function envFlag(name: string, env: Host["env"]): boolean | undefined {
  const value = valueFromEnv({ type: "boolean", env: name }, env);
  return value === undefined ? undefined : value === true;
}

function text(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}

/** It becomes part of grub.cfg and of the kernel command line, so nothing else than a name and a mode may be in it. */
function checkTty(tty: string | undefined): string | undefined {
  if (tty === undefined || tty === "") return undefined;
  const name = tty.replace(/^\/dev\//, "");
  // NAME[,BAUD[PARITY[BITS[FLOW]]]]: https://docs.kernel.org/admin-guide/serial-console.html
  if (/^[A-Za-z]+[0-9]*(,[0-9]+([noe]([78]r?)?)?)?$/.test(name)) return name;
  throw new CommandError(`"${tty}" is no terminal: expected a name like "ttyS0" or "ttyS0,115200"`);
}
