import { existsSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { flushDirectory, type WriteOptions, wouldChange, writeFileAtomic } from "../atomic.ts";
import { inRoot } from "../paths.ts";
import { readTextBounded } from "../read-bounded.ts";
import type { ApplyHost } from "./applier.ts";

/** Writes a system file (parents made, atomic, untouched if it is as wanted). Returns whether that changed anything. */
export function putFile(
  path: string,
  content: string | Uint8Array,
  options: WriteOptions,
  host: Pick<ApplyHost, "root" | "log" | "dryRun">,
): boolean {
  const file = inRoot(host, path);
  if (host.dryRun) {
    const changes = wouldChange(file, content, options);
    if (changes) host.log.info(`Would write "${path}"`);
    return changes;
  }
  const changed = writeFileAtomic(file, content, { parents: true, ...options });
  if (changed) host.log.debug(`wrote "${path}"`);
  return changed;
}

/** Removes a system file if it is there. Returns whether it was. */
export function removeFile(path: string, host: Pick<ApplyHost, "root" | "log" | "dryRun">): boolean {
  const file = inRoot(host, path);
  if (!existsSync(file)) return false;
  if (host.dryRun) {
    host.log.info(`Would remove "${path}"`);
    return true;
  }
  rmSync(file);
  flushDirectory(dirname(file));
  host.log.debug(`removed "${path}"`);
  return true;
}

/** The text of a system file; undefined if there is none. Throws for what is no file. */
export function readIfExists(path: string, host: Pick<ApplyHost, "root">): string | undefined {
  try {
    return readTextBounded(inRoot(host, path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
