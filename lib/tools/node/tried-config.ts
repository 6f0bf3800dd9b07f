import { existsSync, rmSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { flushDirectory, writeFileAtomic } from "../fs/atomic.ts";
import { readIfThere, readTextIfThere } from "../fs/read-bounded.ts";
import { isFields } from "../fs/record.ts";
import type { Host } from "../host/host.ts";
import { inRoot, PATH } from "../host/paths.ts";

/** A file of config.d that is being tried. It is on the disk before the file is, and until the file is kept. */
export interface TriedConfig {
  /** Its name in config.d. */
  readonly name: string;
  /** The content of the file of that name before, in base64; null if there was none. */
  readonly before: string | null;
  /** Its permissions before; null if there was none. */
  readonly mode: number | null;
  /** When it is taken back, in ISO 8601. */
  readonly until: string;
}

type TriedHost = Pick<Host, "root">;

/** The file that is being tried; undefined if there is none. */
export function readTriedConfig(host: TriedHost): TriedConfig | undefined {
  const text = readTextIfThere(inRoot(host, PATH.triedConfig), { maxBytes: 16 << 20 });
  if (text === undefined) return undefined;
  try {
    const found: unknown = JSON.parse(text);
    const isWhole = isFields(found) && typeof found.name === "string" && basename(found.name) === found.name;
    return isWhole ? (found as unknown as TriedConfig) : undefined;
  } catch {
    return undefined; // not ours: we write it whole or not at all
  }
}

/** Notes what the file of this name in config.d is now, to take a new one back after `until`. */
export function beginTry(name: string, until: Date, host: TriedHost): void {
  const path = inRoot(host, `${PATH.localConfigDir}/${name}`);
  const before = readIfThere(path, { maxBytes: 8 << 20 });
  const mode = before === undefined ? null : statSync(path).mode & 0o7777;
  const record: TriedConfig = {
    name,
    before: before?.toString("base64") ?? null,
    mode,
    until: until.toISOString(),
  };
  writeFileAtomic(inRoot(host, PATH.triedConfig), `${JSON.stringify(record)}\n`, {
    mode: 0o600,
    parents: true,
  });
}

/** Ends a try: the file that is there stays. */
export function endTry(host: TriedHost): void {
  const path = inRoot(host, PATH.triedConfig);
  rmSync(path, { force: true });
  flushDirectory(inRoot(host, PATH.localState));
}

/**
 * Puts the file of before back, and ends the try. A power cut in between leaves the record, and this can be done again.
 * Returns what was tried; undefined if nothing was.
 */
export function takeBackTry(host: TriedHost): TriedConfig | undefined {
  const tried = readTriedConfig(host);
  if (tried === undefined) return undefined;
  const path = inRoot(host, `${PATH.localConfigDir}/${tried.name}`);
  if (tried.before === null) {
    rmSync(path, { force: true });
    if (existsSync(dirname(path))) flushDirectory(dirname(path));
  } else {
    writeFileAtomic(path, Buffer.from(tried.before, "base64"), { mode: tried.mode ?? 0o600 });
  }
  endTry(host);
  return tried;
}
