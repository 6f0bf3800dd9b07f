import { linkSync, lstatSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { CommandError } from "../text/errors.ts";
import { flushDirectory } from "./atomic.ts";
import { isThere } from "./links.ts";
import { readTextBounded } from "./read-bounded.ts";

/** More bytes than any of our records has. */
const MOST = 1 << 20;

/**
 * The value of a record in JSON; undefined if it does not exist. Throws CommandError, with the path, if it is invalid.
 */
export function readRecord<T>(path: string, check: (value: unknown) => T): T | undefined {
  if (!isThere(path)) return undefined;
  try {
    return check(parse(readTextBounded(path, { maxBytes: MOST })));
  } catch (cause) {
    throw new CommandError(`Cannot read "${path}"`, { cause });
  }
}

/** Parses JSON without the parser's own message, which would repeat arbitrary content. */
function parse(text: string): unknown {
  if (/^[\0\s]*$/.test(text)) throw new CommandError(text.includes("\0") ? "it is all NUL" : "it is empty");
  try {
    return JSON.parse(text);
  } catch {
    throw new CommandError("it is not JSON");
  }
}

/** Whether a parsed value is an object with fields. */
export function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Keeps a damaged record under a second name, `NAME.damaged`, for diagnosis. A file keeps its own name too, so that it
 * can be replaced in one step. Needs no free block. Returns the second name. Throws the errors of the file system.
 */
export function keepDamaged(path: string): string {
  const kept = `${path}.damaged`;
  rmSync(kept, { recursive: true, force: true });
  if (lstatSync(path).isFile()) linkSync(path, kept);
  else renameSync(path, kept);
  flushDirectory(dirname(path));
  return kept;
}
