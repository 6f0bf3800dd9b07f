import { linkSync, lstatSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { CommandError } from "../text/errors.ts";
import { flushDirectory } from "./atomic.ts";
import { isThere } from "./links.ts";
import { readTextBounded } from "./read-bounded.ts";

/** More bytes than any record of ours has. */
const MOST = 1 << 20;

/** What a record in JSON says; undefined where there is none. Throws CommandError, with the path, if it cannot be understood. */
export function readRecord<T>(path: string, check: (value: unknown) => T): T | undefined {
  if (!isThere(path)) return undefined;
  try {
    return check(parse(readTextBounded(path, { maxBytes: MOST })));
  } catch (cause) {
    throw new CommandError(`Cannot read "${path}"`, { cause });
  }
}

/** The parser's own message would repeat what it has found, which may be anything. */
function parse(text: string): unknown {
  if (/^[\0\s]*$/.test(text)) throw new CommandError(text.includes("\0") ? "it is all NUL" : "it is empty");
  try {
    return JSON.parse(text);
  } catch {
    throw new CommandError("it is no JSON");
  }
}

/** Whether a value that was read is an object whose fields can be looked at. */
export function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Gives what is in a record's place a second name, `NAME.damaged`, for whoever wants to know what it was; a file keeps its
 * own name, so that it can be replaced in one step. Needs no free block. Returns the second name. Throws what the file
 * system does.
 */
export function keepDamaged(path: string): string {
  const kept = `${path}.damaged`;
  rmSync(kept, { recursive: true, force: true });
  if (lstatSync(path).isFile()) linkSync(path, kept);
  else renameSync(path, kept);
  flushDirectory(dirname(path));
  return kept;
}
