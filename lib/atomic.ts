import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { CommandError } from "./errors.ts";

export interface WriteOptions {
  /** Permissions, set-id bits included; default 0644. */
  readonly mode?: number;
  /** Numeric owner; default: who runs this. */
  readonly uid?: number;
  readonly gid?: number;
  /** Make missing parent directories (0755). */
  readonly parents?: boolean;
}

/**
 * Puts a file in place whole or not at all, through a crash too: written to a temporary file beside it that has its
 * final owner and permissions before any content, flushed, renamed, and the directory flushed. A symbolic link is
 * replaced, not followed. A file that already is as wanted is not touched. Returns whether anything changed.
 * Throws CommandError.
 */
export function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  options: WriteOptions = {},
): boolean {
  const mode = options.mode ?? 0o644;
  const uid = options.uid ?? process.geteuid?.() ?? 0;
  const gid = options.gid ?? process.getegid?.() ?? 0;
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  try {
    if (options.parents) mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found?.isFile() && holds(path, found, bytes)) return setAttributes(path, found, { mode, uid, gid });
    replace(path, bytes, { mode, uid, gid });
    return true;
  } catch (cause) {
    throw new CommandError(`Cannot write "${path}"`, { cause });
  }
}

interface Attributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

function holds(path: string, found: Stats, bytes: Uint8Array): boolean {
  return found.size === bytes.length && readFileSync(path).equals(bytes);
}

function setAttributes(path: string, found: Stats, wanted: Attributes): boolean {
  const owned = found.uid === wanted.uid && found.gid === wanted.gid;
  const permitted = (found.mode & 0o7777) === wanted.mode;
  if (owned && permitted) return false;
  if (!owned) chownSync(path, wanted.uid, wanted.gid);
  chmodSync(path, wanted.mode); // after chown, which clears the set-id bits
  return true;
}

function replace(path: string, bytes: Uint8Array, { mode, uid, gid }: Attributes): void {
  const temporary = join(dirname(path), `.${basename(path).slice(0, 200)}.${randomBytes(6).toString("hex")}`);
  try {
    const fd = openSync(temporary, "wx", 0o600);
    try {
      fchownSync(fd, uid, gid);
      fchmodSync(fd, mode);
      for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
      if ((mode & 0o6000) !== 0) fchmodSync(fd, mode); // writing clears the set-id bits
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  flushDirectory(dirname(path));
}

/** Makes what was created, renamed or removed in a directory survive a crash. */
export function flushDirectory(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
