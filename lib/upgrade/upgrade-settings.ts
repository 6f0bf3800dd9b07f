import type { Options, Values } from "../tools/cli/cli.ts";
import { PATH } from "../tools/host/paths.ts";
import { parseRate } from "../tools/text/byte-rate.ts";
import { CommandError } from "../tools/text/errors.ts";
import { parseWindows, type Window } from "./upgrade-window.ts";

/** The options for what every upgrade keeps. */
export const KEEP_OPTIONS = {
  keep: {
    type: "string",
    value: "N",
    help: "keep N versions besides current and previous (default: 0)",
    env: "K3OS_UPGRADE_KEEP",
  },
  "keep-data": { type: "boolean", help: "do not restore the k3s datastore on a rollback" },
} as const satisfies Options;

/** The option for the order in which Kubernetes may be upgraded. */
export const SKEW_OPTION = {
  "allow-skew": {
    type: "boolean",
    help: "upgrade k3s even if other versions come first, or nobody can say",
    env: "K3OS_UPGRADE_ALLOW_SKEW",
  },
} as const satisfies Options;

/** The meaning of exit status 4 of upgrades with windows. */
export const WINDOW_CLOSED = "outside of the windows; nothing is changed, and the next call continues";

/** The meaning of exit status 4 of every upgrade. */
export const ORDER_REFUSED = "another version, server or minor of Kubernetes comes first; nothing is changed";

/** The common help text of upgrades from a release. */
export const ABOUT_RELEASES = `\
K3OS_VERSION selects the release; the default is the latest. K3OS_RELEASE_URL is
where to look for it: a GitHub releases page (the default is this project's),
the GitHub API, a mirror with a directory for each version, or the directory of
one release, as a URL or a path.

Only files that the node lacks are downloaded. They are verified before they are
used. After a failure or a power cut, the system is either the old or the new
one, and the next call continues the download.

A --window is a time by the node's clock, outside of which nothing is downloaded
or changed, and the node is not rebooted. A timer may run the upgrade often.
Several windows are separated by ";".`;

/** The options that upgrades from a release share. */
export const RELEASE_UPGRADE_OPTIONS = {
  "allow-downgrade": {
    type: "boolean",
    help: "allow an older version, or a checksum file signed before the last one",
  },
  "allow-expired": {
    type: "boolean",
    help: "allow a checksum file that has expired",
    env: "K3OS_UPGRADE_ALLOW_EXPIRED",
  },
  force: { type: "boolean", help: "reinstall the current version, or retry a failed one" },
  "dry-run": { type: "boolean", help: "show what would be done" },
  key: {
    type: "string",
    multiple: true,
    value: "KEY",
    help: "trust releases signed with this minisign key (file or text)",
    env: "K3OS_UPGRADE_KEY",
  },
  "insecure-skip-verify": {
    type: "boolean",
    help: "accept unsigned releases",
    env: "K3OS_UPGRADE_INSECURE_SKIP_VERIFY",
  },
  "limit-rate": {
    type: "string",
    value: "RATE",
    help: "download at most RATE bytes per second, such as 500K or 2M",
    env: "K3OS_UPGRADE_LIMIT_RATE",
  },
  window: {
    type: "string",
    multiple: true,
    value: "WINDOW",
    help: 'only work in this time, such as "Mon-Fri 02:00-05:00"',
    env: "K3OS_UPGRADE_WINDOW",
  },
  ...KEEP_OPTIONS,
  reboot: { type: "boolean", help: "reboot when done", env: "K3OS_UPGRADE_REBOOT" },
  "lock-file": {
    type: "string",
    value: "FILE",
    help: `lock held during an upgrade (default: ${PATH.upgradeLock})`,
    env: "K3OS_UPGRADE_LOCK_FILE",
  },
  system: { type: "string", value: "DIR", help: "system directory", hidden: true },
} as const satisfies Options;

/** The settings of an upgrade from a release. */
export interface ReleaseUpgradeSettings {
  /** The path of `/k3os/system`. */
  readonly system: string;
  readonly lockFile: string;
  readonly allowDowngrade: boolean;
  readonly allowExpired: boolean;
  readonly force: boolean;
  readonly dryRun: boolean;
  /** minisign public keys to trust besides the built-in ones: paths, or the keys themselves. */
  readonly keys: readonly string[];
  readonly insecure: boolean;
  readonly allowSkew: boolean;
  /** The number of versions to keep besides current and previous. */
  readonly keep: number;
  readonly keepData: boolean;
  readonly reboot: boolean;
  /** Bytes per second of the downloads; undefined: no limit. */
  readonly limitRate: number | undefined;
  /** When the upgrade may work; empty: always. */
  readonly windows: readonly Window[];
}

/** The settings from the options, which already include the environment. */
export function upgradeSettings(
  values: Values<typeof RELEASE_UPGRADE_OPTIONS> & Partial<Values<typeof SKEW_OPTION>>,
): ReleaseUpgradeSettings {
  return {
    system: values.system ?? PATH.system,
    lockFile: values["lock-file"] ?? PATH.upgradeLock,
    allowDowngrade: values["allow-downgrade"],
    allowExpired: values["allow-expired"],
    force: values.force,
    dryRun: values["dry-run"],
    keys: values.key,
    insecure: values["insecure-skip-verify"],
    allowSkew: values["allow-skew"] ?? false,
    keep: keepCount(values.keep),
    keepData: values["keep-data"],
    reboot: values.reboot,
    limitRate: values["limit-rate"] === undefined ? undefined : parseRate(values["limit-rate"]),
    windows: parseWindows(values.window),
  };
}

/** Parses a small whole number. Throws CommandError for any other text. */
export function keepCount(text: string | undefined): number {
  if (text === undefined) return 0;
  if (/^\d{1,3}$/.test(text)) return Number(text);
  throw new CommandError(`Invalid number of versions to keep "${text}": expected 0 to 999`);
}
