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
 * A directory of results. Each is a directory `NAME@KEY`, which appears completely or not at all; its modification time
 * is that of its last use:
 *
 *     content/       the output of the step
 *     digest         the digest of the content
 *     inputs.json    the inputs of the step
 */
export interface ResultStore {
  readonly directory: string;
  /** The number of results of one name to keep besides the newest one. */
  readonly older: number;
}

const HOUR = 3_600_000;
/** A result that was used more recently than this may be in use by another build. */
const IN_USE = HOUR;
/** Results that were not used for this time are removed, regardless of their name. */
const FORGOTTEN = 30 * 24 * HOUR;
const PARTIAL = ".partial";

/** The result of a key; updates its last use. */
export function findResult(name: string, key: string, { directory }: ResultStore): Made | undefined {
  const result = join(directory, `${name}@${key}`);
  if (!existsSync(result)) return undefined;
  const now = Date.now() / 1000;
  utimesSync(result, now, now);
  return { path: join(result, "content"), digest: readFileSync(join(result, "digest"), "utf8") };
}

/** Stores what `make` writes into an empty directory; another build of the same result may run in parallel. */
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

/** An entry of a store, with its last use in milliseconds since the epoch. */
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
 * The results to remove besides a new one of `name`: of that name all but the `older` most recently used ones, and all
 * that were not used for a month. If several builds share the store (`older` > 0), recently used ones are kept.
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
