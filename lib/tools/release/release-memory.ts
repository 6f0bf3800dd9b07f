import { join } from "node:path";
import { writeFileAtomic } from "../fs/atomic.ts";
import { isThere } from "../fs/links.ts";
import { readTextBounded } from "../fs/read-bounded.ts";
import type { Host } from "../host/host.ts";
import { CommandError, messageOf } from "../text/errors.ts";
import { day } from "./freshness.ts";
import type { Release } from "./read-release.ts";
import { isVersion } from "./version-name.ts";

/**
 * The signed list that a node installed last, in `/k3os/system`, which no reset deletes. An attacker who controls the
 * server or the network cannot make the node install an older release with known vulnerabilities.
 */
export const RELEASE_FILE = "release.json";
const MAX_FILE = 1 << 14;

/** The properties of a release to remember. */
export type Signed = Pick<Release, "signed" | "version" | "timestamp" | "expires">;

interface Taken {
  readonly version: string;
  /** When its list was signed, in seconds since the epoch. */
  readonly timestamp: number;
  /** Until when it may be offered, in seconds since the epoch. */
  readonly expires?: number;
}

/**
 * Refuses a list that was signed before the last installed one. Throws CommandError. An unsigned list is ignored, and
 * so is an unreadable record.
 */
export function refuseOlder(
  system: string,
  release: Signed,
  { allowDowngrade }: { readonly allowDowngrade: boolean },
  host: Pick<Host, "log">,
): void {
  const taken = release.signed && !allowDowngrade ? readTaken(system, host) : undefined;
  if (taken === undefined || release.timestamp >= taken.timestamp) return;
  throw new CommandError(
    `Refusing the list of ${release.version}, signed ${day(release.timestamp)}: ` +
      `this node has taken that of ${taken.version}, signed ${day(taken.timestamp)}`,
    { hint: "to install it anyway, use --allow-downgrade" },
  );
}

/** Records the installed list. A failure is only logged as a warning: the installation is done. */
export function rememberRelease(system: string, release: Signed, host: Pick<Host, "log">): void {
  const record = releaseRecord(release);
  if (record === undefined) return;
  try {
    writeFileAtomic(join(system, RELEASE_FILE), record);
  } catch (error) {
    host.log.warn(`Cannot record which release was taken: ${messageOf(error)}`);
  }
}

/** The text of {@link RELEASE_FILE}; undefined for an unsigned list. */
export function releaseRecord({ signed, version, timestamp, expires }: Signed): string | undefined {
  if (!signed || version === undefined) return undefined;
  const taken: Taken = { version, timestamp, ...(expires !== undefined && { expires }) };
  return `${JSON.stringify(taken)}\n`;
}

function readTaken(system: string, host: Pick<Host, "log">): Taken | undefined {
  const path = join(system, RELEASE_FILE);
  if (!isThere(path)) return undefined;
  try {
    const { version, timestamp } = JSON.parse(
      readTextBounded(path, { maxBytes: MAX_FILE, follow: false }),
    ) as Partial<Taken>;
    const isRecord = typeof version === "string" && isVersion(version) && Number.isSafeInteger(timestamp);
    if (isRecord && timestamp !== undefined) return { version, timestamp };
    throw new CommandError("found no version and time");
  } catch (error) {
    host.log.warn(
      `Cannot tell which release was taken last: cannot read "${path}": ${messageOf(error, path)}`,
    );
    return undefined;
  }
}
