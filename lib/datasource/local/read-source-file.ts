import { realpathSync } from "node:fs";
import { join } from "node:path";
import { isAbsence, readIfThere } from "../../tools/fs/read-bounded.ts";
import { CommandError } from "../../tools/text/errors.ts";

/** Maximum size of a source's file; a larger one is a mistake, not user data. */
export const MAX_BYTES = 16 << 20;

/** Reads a file; undefined if it does not exist. Throws CommandError if it is not a file, too large or unreadable. */
export function readFileIfThere(path: string): Buffer | undefined {
  try {
    return readIfThere(path, { maxBytes: MAX_BYTES });
  } catch (cause) {
    throw new CommandError(`Cannot read "${path}"`, { cause });
  }
}

/**
 * {@link readFileIfThere} for a directory from an external origin, such as a medium: links in it must not lead to files
 * of this machine.
 */
export function readInside(directory: string, name: string): Buffer | undefined {
  const path = join(directory, name);
  const found = realPath(path);
  if (found === undefined) return undefined;
  if (found.startsWith(`${realpathSync(directory)}/`)) return readFileIfThere(found);
  throw new CommandError(`Cannot read "${path}": it is a link that leads out of its directory`);
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch (cause) {
    if (isAbsence(cause)) return undefined;
    throw new CommandError(`Cannot read "${path}"`, { cause });
  }
}
