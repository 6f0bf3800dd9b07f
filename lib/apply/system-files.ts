import { rmSync } from "node:fs";
import { flushDirectory, type WriteOptions, wouldChange, writeFileAtomic } from "../tools/fs/atomic.ts";
import { isThere } from "../tools/fs/links.ts";
import { readTextIfThere } from "../tools/fs/read-bounded.ts";
import { openTrusted, type TrustedPlace } from "../tools/fs/trusted-path.ts";
import type { ApplyHost } from "./applier.ts";

/**
 * Writes a system file atomically, with its parent directories; an identical file is not written. Returns whether the
 * file has changed. Links of users are not followed, see {@link openTrusted}.
 */
export function putFile(
  path: string,
  content: string | Uint8Array,
  options: WriteOptions,
  host: Pick<ApplyHost, "root" | "log" | "dryRun">,
): boolean {
  if (host.dryRun) {
    using place = placeOf(path, {}, host);
    const changes = place === undefined || wouldChange(place.path, content, options);
    if (changes) host.log.info(`Would write "${path}"`);
    return changes;
  }
  using place = openTrusted(host.root, path, { make: true });
  const changed = writeFileAtomic(place.path, content, { shown: path, ...options });
  if (changed) host.log.debug(`wrote "${path}"`);
  return changed;
}

/** Removes a system file. Returns whether it existed. */
export function removeFile(path: string, host: Pick<ApplyHost, "root" | "log" | "dryRun">): boolean {
  using place = placeOf(path, {}, host);
  if (place === undefined || !isThere(place.path)) return false;
  if (host.dryRun) {
    host.log.info(`Would remove "${path}"`);
    return true;
  }
  rmSync(place.path);
  flushDirectory(place.directory);
  host.log.debug(`removed "${path}"`);
  return true;
}

/**
 * The text of a system file; undefined if it is missing. Throws for anything else than a file, and for a user's link.
 */
export function readIfExists(path: string, host: Pick<ApplyHost, "root">): string | undefined {
  using place = placeOf(path, { follow: true }, host);
  return place && readTextIfThere(place.path, { follow: false });
}

/** Undefined if a directory of the path is missing. */
function placeOf(
  path: string,
  options: { readonly follow?: boolean },
  { root }: Pick<ApplyHost, "root">,
): TrustedPlace | undefined {
  try {
    return openTrusted(root, path, options);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
