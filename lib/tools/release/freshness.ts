import type { Host } from "../host/host.ts";
import { CommandError } from "../text/errors.ts";
import type { VerifiedList } from "./release-list.ts";

/** How long a new list may be offered, in seconds: a year. A maintainer signs it again, or there is a newer release. */
export const VALIDITY = 365 * 86_400;

/** The age of an old list in seconds: there is probably a newer release. */
const OLD = 180 * 86_400;

export interface FreshnessOptions {
  /** The list's URL or path, without secrets. */
  readonly name: string;
  /** It is in a directory of this machine. */
  readonly isLocal: boolean;
  /** Undefined: the command has no such option. */
  readonly allowExpired: boolean | undefined;
}

/**
 * Refuses a list that has expired: a server, or somebody on the way to it, may go on to offer an old release, and hide the
 * newer one. What is in a directory was put there by its user, so there it is only logged as a warning, as is any list that
 * is half a year old. Throws CommandError.
 */
export function checkFreshness(
  { version, timestamp, expires }: Pick<VerifiedList, "version" | "timestamp" | "expires">,
  { name, isLocal, allowExpired }: FreshnessOptions,
  host: Pick<Host, "log" | "clock">,
): void {
  const now = host.clock.now() / 1000;
  if (expires !== undefined && now >= expires) {
    const expired = `"${name}" of ${version} expired on ${day(expires)}`;
    if (isLocal || allowExpired) {
      host.log.warn(`${expired}: see whether there is a newer release`);
      return;
    }
    const accept = allowExpired === undefined ? "download the release to a directory" : "use --allow-expired";
    throw new CommandError(`${expired}: the server may hide a newer release`, {
      hint: `set the clock if today is not ${day(now)}, or look for a newer release; to take this one, ${accept}`,
    });
  }
  const age = now - timestamp;
  if (age <= OLD) return;
  const days = Math.floor(age / 86_400);
  host.log.warn(`"${name}" was signed ${days} days ago: see whether there is a newer release`);
}

/** The date of a time in seconds since the epoch, in UTC. */
export function day(timestamp: number): string {
  return new Date(timestamp * 1000).toISOString().slice(0, 10);
}
