import type { FlagField, ListField, TextField, ValueOf } from "../config/schema/field.ts";
import { INSTALLER_SETTINGS, type InstallerSetting } from "../config/schema/installer-settings.ts";
import type { InstallConfig } from "../config/schema/schema.ts";
import {
  type Arguments,
  GLOBAL_OPTIONS,
  nothingOf,
  type Option,
  type Options,
  valueFromEnv,
} from "../tools/cli/cli.ts";
import type { Host } from "../tools/host/host.ts";
import type { PowerChange } from "../tools/host/power.ts";
import { CommandError } from "../tools/text/errors.ts";

type OptionOf<S extends InstallerSetting> = Option & {
  readonly type: S["field"] extends FlagField ? "boolean" : "string";
} & (S["field"] extends ListField<TextField> ? { readonly multiple: true } : unknown);

type Settings = typeof INSTALLER_SETTINGS;
type SettingOptions = {
  readonly [Name in keyof Settings as Settings[Name] extends { readonly flag: infer Flag extends string }
    ? Flag
    : never]: OptionOf<Settings[Name]>;
};

const SETTINGS = Object.entries<InstallerSetting>(INSTALLER_SETTINGS);

function optionOf({ field, env, value, argument, help }: InstallerSetting): Option {
  const type = field.kind === "flag" ? "boolean" : "string";
  return {
    type,
    env,
    help: argument === undefined ? help : `the same as the argument ${argument}`,
    ...(value && { value }),
    ...(field.kind === "list" && { multiple: true }),
  };
}

/** The options of the settings, without --debug, which every command has. */
const SETTING_OPTIONS = Object.fromEntries(
  SETTINGS.flatMap(([, setting]) => {
    return setting.flag === undefined || setting.flag in GLOBAL_OPTIONS
      ? []
      : [[setting.flag, optionOf(setting)]];
  }),
) as Omit<SettingOptions, keyof typeof GLOBAL_OPTIONS>;

/** The options of `k3os install`. */
export const INSTALL_OPTIONS = {
  ...SETTING_OPTIONS,
  yes: { type: "boolean", short: "y", help: "the same as --silent" },
  bootstrap: { type: "boolean", help: "run on another Linux, as install.sh does" },
  "dry-run": { type: "boolean", help: "check everything and show the plan, but change nothing" },
} as const satisfies Options;

/** The settings of an installation, merged from all sources. */
export interface InstallSettings {
  readonly device: string | undefined;
  readonly isoUrl: string | undefined;
  /**
   * The ISO is only named in the configuration, like by a boot menu for machines without a medium: an attached medium
   * is also accepted.
   */
  readonly isoOptional: boolean;
  readonly configUrl: string | undefined;
  /** `ttyS0` or `ttyS0,115200`, validated. */
  readonly tty: string | undefined;
  readonly forceEfi: boolean;
  readonly noFormat: boolean;
  readonly powerOff: boolean;
  readonly takeOver: boolean;
  readonly copyNetwork: boolean;
  /** minisign public keys to trust besides the built-in ones: paths, or the keys themselves. */
  readonly keys: readonly string[];
  readonly insecure: boolean;
  /** This is another Linux: none of its files is a configuration of k3OS. */
  readonly bootstrap: boolean;
  /** The location of the release whose ISO is used if none is named. */
  readonly releaseUrl: string | undefined;
  /** The installed system boots with `k3os.debug`. */
  readonly debug: boolean;
  readonly silent: boolean;
  /**
   * The command line does not determine the installation: the user is prompted for all settings that are not
   * configured.
   */
  readonly interview: boolean;
  /** The user consents to the deletion of foreign data. */
  readonly force: boolean;
  readonly dryRun: boolean;
  /** An image, device or directory to use as the medium, regardless of other media. */
  readonly medium: string | undefined;
  /** The action after success. With DEVICE on the command line, a user or a script continues. */
  readonly afterwards: "return" | PowerChange;
}

/** The value of each setting; false, undefined or [] for an absent one. */
type Merged = {
  readonly [Name in keyof Settings]:
    | ValueOf<Settings[Name]["field"]>
    | (Settings[Name]["field"] extends TextField ? undefined : never);
};

/** Argument over option over environment over configuration. */
function merge(
  { values, positionals, given }: Arguments,
  env: Host["env"],
  config: Readonly<Record<string, unknown>>,
): Merged {
  const places = SETTINGS.filter(([, { argument }]) => argument !== undefined).map(([name]) => name);
  return Object.fromEntries(
    SETTINGS.map(([name, setting]) => {
      const { flag = "" } = setting;
      const option = optionOf(setting);
      const typed = positionals[places.indexOf(name)] ?? (given.includes(flag) ? values[flag] : undefined);
      return [name, typed ?? valueFromEnv(option, env) ?? config[name] ?? nothingOf(option)];
    }),
  ) as Merged;
}

/**
 * Merges the sources of the settings: command line over environment over configuration. With `json` a program calls,
 * which cannot be prompted. Throws UsageError for an invalid boolean, CommandError for an invalid terminal name.
 */
export function mergeSettings(
  args: Arguments<typeof INSTALL_OPTIONS & typeof GLOBAL_OPTIONS>,
  { json }: { readonly json: boolean },
  env: Host["env"],
  config: InstallConfig,
): InstallSettings {
  const { values, positionals, given } = args;
  const { releaseKeys, insecureSkipVerify, ...merged } = merge(args, env, config);
  const unconfigured = merge(args, env, {});
  const noFormat = merged.takeOver || merged.noFormat;
  return {
    ...merged,
    isoOptional: unconfigured.isoUrl === undefined && merged.isoUrl !== undefined,
    tty: checkTty(merged.tty),
    noFormat,
    keys: releaseKeys,
    insecure: insecureSkipVerify,
    bootstrap: values.bootstrap,
    releaseUrl: text(env.K3OS_RELEASE_URL),
    debug: values.debug || merged.debug,
    silent: values.yes || merged.silent,
    interview:
      unconfigured.device === undefined && unconfigured.configUrl === undefined && !noFormat && !json,
    dryRun: values["dry-run"],
    medium: text(env.ISO_DEVICE),
    afterwards: whatFollows({
      ...merged,
      isExplicit: positionals.length > 0 || given.includes("device"),
      off: unconfigured.powerOff,
    }),
  };
}

/**
 * A takeover is only complete after the reboot: that boot may end with a power-off. A takeover needs no DEVICE, so a
 * missing DEVICE does not mean that there is no user.
 */
function whatFollows(options: {
  readonly isExplicit: boolean;
  readonly device: string | undefined;
  readonly off: boolean;
  readonly powerOff: boolean;
  readonly takeOver: boolean;
}): InstallSettings["afterwards"] {
  if (options.takeOver) return options.isExplicit || options.device === undefined ? "return" : "restart";
  if (options.isExplicit && !options.off) return "return";
  return options.powerOff ? "power-off" : "restart";
}

function text(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}

/** The value becomes part of grub.cfg and of the kernel command line, so only a name and a mode are valid. */
function checkTty(tty: string | undefined): string | undefined {
  if (tty === undefined || tty === "") return undefined;
  const name = tty.replace(/^\/dev\//, "");
  // NAME[,BAUD[PARITY[BITS[FLOW]]]]: https://docs.kernel.org/admin-guide/serial-console.html
  if (/^[A-Za-z]+[0-9]*(,[0-9]+([noe]([78]r?)?)?)?$/.test(name)) return name;
  throw new CommandError(`"${tty}" is not a terminal: expected a name like "ttyS0" or "ttyS0,115200"`);
}
