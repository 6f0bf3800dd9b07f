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
  /** Permissions, including set-id bits; default 0644. */
  readonly mode?: number;
  /** Numeric owner; default: the current user. */
  readonly uid?: number;
  readonly gid?: number;
  /** Create missing parent directories (0755). */
  readonly parents?: boolean;
  /** The name of the file in messages; default: its path. */
  readonly shown?: string;
}

/**
 * Writes a file completely or not at all, even in a crash: it writes a temporary file beside it, which has its final
 * owner and permissions before any content, flushes and renames it, and flushes the directory. A symbolic link is
 * replaced, not followed. A file that is already as expected is not touched. Returns whether anything changed.
 * Throws CommandError, also if a directory, device, pipe or socket has the name.
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

/** Throws CommandError unless the existing entry can be replaced: only files and links can. */
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

/**
 * Marks the temporary files of this boot. A write in progress, also of another process, differs from leftovers of an
 * earlier boot.
 */
function bootMark(): string {
  return readTextIfThere(BOOT_ID)?.slice(0, 6) ?? "000000";
}

function temporaryName(path: string): string {
  return basename(path).slice(0, 200);
}

const TEMPORARY = /^\.(.+)\.([0-9a-f]{6})[0-9a-f]{6}$/;

/** Whether a file of this name is one that {@link writeFileAtomic} is writing, or could not finish. */
export function isUnfinished(name: string): boolean {
  return TEMPORARY.test(name);
}

/**
 * Removes the temporary files that {@link writeFileAtomic} could not rename before a power cut: those of the file
 * `name`, or of every file in the directory. Those of this boot stay. Throws the system's errors.
 */
export function removeUnfinished(directory: string, name?: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const [, of, mark] = TEMPORARY.exec(entry.name) ?? [];
    const isOld = of !== undefined && mark !== bootMark() && (name === undefined || of === name);
    if (isOld && entry.isFile()) rmSync(join(directory, entry.name), { force: true });
  }
}

/** Flushes a directory, so that created, renamed and removed names survive a crash. */
export function flushDirectory(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
