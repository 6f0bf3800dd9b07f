import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Made } from "./build-step.ts";
import { contentDigest } from "./content-digest.ts";
import type { StepInputs } from "./step-inputs.ts";

/**
 * A directory of results. Each is a directory `NAME@KEY` that appears whole or not at all, its time that of its last use:
 *
 *     content/       what the step made
 *     digest         of that
 *     inputs.json    what it was made from
 */
export interface ResultStore {
  readonly directory: string;
  /** Results of one name that are kept besides the newest one. */
  readonly older: number;
}

const HOUR = 3_600_000;
/** A result that was used since then may be in use by another build. */
const IN_USE = HOUR;
/** A result that nobody used for so long goes, whatever its name. */
const FORGOTTEN = 30 * 24 * HOUR;
const PARTIAL = ".partial";

/** The result that is kept by a key; its last use is now. */
export function findResult(name: string, key: string, { directory }: ResultStore): Made | undefined {
  const result = join(directory, `${name}@${key}`);
  if (!existsSync(result)) return undefined;
  const now = Date.now() / 1000;
  utimesSync(result, now, now);
  return { path: join(result, "content"), digest: readFileSync(join(result, "digest"), "utf8") };
}

/** Keeps what `make` writes into an empty directory; another build of the same may run beside this one. */
export async function keepResult(
  { name, key, inputs }: { readonly name: string; readonly key: string; readonly inputs: StepInputs },
  make: (into: string) => Promise<void>,
  store: ResultStore,
): Promise<void> {
  const result = join(store.directory, `${name}@${key}`);
  const partial = `${result}.${process.pid}${PARTIAL}`;
  rmSync(partial, { recursive: true, force: true });
  const content = join(partial, "content");
  mkdirSync(content, { recursive: true });
  try {
    await make(content);
    writeFileSync(join(partial, "digest"), contentDigest(content, "all"));
    writeFileSync(join(partial, "inputs.json"), `${JSON.stringify(inputs, null, 2)}\n`);
    if (!existsSync(result)) renameSync(partial, result);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  const others = readResults(store.directory).filter(({ entry }) => entry !== `${name}@${key}`);
  for (const old of superfluous(others, name, store.older, Date.now()))
    rmSync(join(store.directory, old), { recursive: true, force: true });
}

/** An entry of a store, and when it was last used, in milliseconds since the epoch. */
export interface Entry {
  readonly entry: string;
  readonly used: number;
}

function readResults(directory: string): Entry[] {
  return readdirSync(directory).flatMap((entry) => {
    const stat = statSync(join(directory, entry), { throwIfNoEntry: false }); // another build may have removed it
    return stat?.isDirectory() && entry.includes("@") ? [{ entry, used: stat.mtimeMs }] : [];
  });
}

/**
 * Which results besides a new one of `name` are to go: of that name all but the `older` last used ones, and whatever nobody used
 * for a month. Where several builds share the store (`older` > 0) none goes that was in use just now.
 */
export function superfluous(entries: readonly Entry[], name: string, older: number, now: number): string[] {
  const idle = (entry: Entry) => now - entry.used;
  const partial = entries.filter(({ entry }) => entry.endsWith(PARTIAL));
  const results = entries.filter((entry) => !partial.includes(entry));
  const mine = results.filter(({ entry }) => entry.startsWith(`${name}@`)).sort((a, b) => b.used - a.used);
  const beyond = mine.slice(older).filter((entry) => older === 0 || idle(entry) > IN_USE);
  const left = partial.filter((entry) => idle(entry) > 24 * HOUR);
  const forgotten = results.filter((entry) => idle(entry) > FORGOTTEN);
  return [...new Set([...beyond, ...left, ...forgotten])].map(({ entry }) => entry);
}
