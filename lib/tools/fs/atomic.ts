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
  readdirSync,
  renameSync,
  rmSync,
  type Stats,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { CommandError } from "../text/errors.ts";
import { readBounded, readTextIfThere, specialKind } from "./read-bounded.ts";

export interface WriteOptions {
  /** Permissions, set-id bits included; default 0644. */
  readonly mode?: number;
  /** Numeric owner; default: who runs this. */
  readonly uid?: number;
  readonly gid?: number;
  /** Make missing parent directories (0755). */
  readonly parents?: boolean;
  /** What the file is called in messages; default: its path. */
  readonly shown?: string;
}

/**
 * Puts a file in place whole or not at all, through a crash too: written to a temporary file beside it that has its
 * final owner and permissions before any content, flushed, renamed, and the directory flushed. A symbolic link is
 * replaced, not followed. A file that already is as wanted is not touched. Returns whether anything changed.
 * Throws CommandError, also where a directory, device, pipe or socket is in its place.
 */
export function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  options: WriteOptions = {},
): boolean {
  const wanted = attributes(options);
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  try {
    if (options.parents) mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    const found = lstatSync(path, { throwIfNoEntry: false });
    requireReplaceable(found);
    if (found?.isFile() && holds(path, found, bytes)) return setAttributes(path, found, wanted);
    replace(path, bytes, wanted);
    return true;
  } catch (cause) {
    throw new CommandError(`Cannot write "${options.shown ?? path}"`, { cause });
  }
}

/** Whether {@link writeFileAtomic} would change anything. */
export function wouldChange(path: string, content: string | Uint8Array, options: WriteOptions = {}): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  return !found?.isFile() || !holds(path, found, bytes) || !hasAttributes(found, attributes(options));
}

/** Throws CommandError for what a file must not take the place of: only files and links are. */
export function requireReplaceable(found: Stats | undefined): void {
  if (found === undefined || found.isFile() || found.isSymbolicLink()) return;
  throw new CommandError(`${specialKind(found)} is in its place`);
}

interface Attributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

function attributes({ mode = 0o644, uid, gid }: WriteOptions): Attributes {
  return { mode, uid: uid ?? process.geteuid?.() ?? 0, gid: gid ?? process.getegid?.() ?? 0 };
}

function hasAttributes(found: Stats, { mode, uid, gid }: Attributes): boolean {
  return found.uid === uid && found.gid === gid && (found.mode & 0o7777) === mode;
}

function holds(path: string, found: Stats, bytes: Uint8Array): boolean {
  return found.size === bytes.length && readBounded(path, { maxBytes: bytes.length }).equals(bytes);
}

function setAttributes(path: string, found: Stats, wanted: Attributes): boolean {
  if (hasAttributes(found, wanted)) return false;
  chownSync(path, wanted.uid, wanted.gid);
  chmodSync(path, wanted.mode); // after chown, which clears the set-id bits
  return true;
}

function replace(path: string, bytes: Uint8Array, { mode, uid, gid }: Attributes): void {
  const name = temporaryName(path);
  removeUnfinished(dirname(path), name);
  const temporary = join(dirname(path), `.${name}.${bootMark()}${randomBytes(3).toString("hex")}`);
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

const BOOT_ID = "/proc/sys/kernel/random/boot_id";

/** By it a temporary file of a write that goes on, in another process too, is told from what an earlier boot has left. */
function bootMark(): string {
  return readTextIfThere(BOOT_ID)?.slice(0, 6) ?? "000000";
}

function temporaryName(path: string): string {
  return basename(path).slice(0, 200);
}

/**
 * Removes the temporary files that {@link writeFileAtomic} could not rename before a power cut: those of the file `name`, or
 * of every file in the directory. Those of this boot stay. Throws what the system does.
 */
export function removeUnfinished(directory: string, name?: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const [, of, mark] = /^\.(.+)\.([0-9a-f]{6})[0-9a-f]{6}$/.exec(entry.name) ?? [];
    const isOld = of !== undefined && mark !== bootMark() && (name === undefined || of === name);
    if (isOld && entry.isFile()) rmSync(join(directory, entry.name), { force: true });
  }
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
