import { realpathSync } from "node:fs";
import { join } from "node:path";
import { isAbsence, readIfThere } from "../../tools/fs/read-bounded.ts";
import { CommandError } from "../../tools/text/errors.ts";

/** Largest file that a source may hold; what is larger is no user data but a mistake. */
export const MAX_BYTES = 16 << 20;

/** A file by its path; undefined if there is none. Throws CommandError if it is no file, too large or unreadable. */
export function readFileIfThere(path: string): Buffer | undefined {
  try {
    return readIfThere(path, { maxBytes: MAX_BYTES });
  } catch (cause) {
    throw new CommandError(`Cannot read "${path}"`, { cause });
  }
}

/**
 * {@link readFileIfThere} for a file of a directory that somebody else made, such as a medium: a link in it must not
 * lead to files of this machine.
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
