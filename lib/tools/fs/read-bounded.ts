import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  read,
  readSync,
  type Stats,
  statSync,
} from "node:fs";
import { CommandError } from "../text/errors.ts";

export interface OpenOptions {
  /** Whether the last component of the path may be a symbolic link; default true. */
  readonly follow?: boolean;
}

export interface ReadOptions extends OpenOptions {
  /** The content limit, in bytes; default {@link MAX_BYTES}. */
  readonly maxBytes?: number;
}

/** An open regular file, readable until the scope ends. */
export interface OpenedFile extends Disposable {
  readonly fd: number;
  /** Its size in bytes when it was opened; 0 for the files of /proc. */
  readonly size: number;
}

/** Default of {@link ReadOptions.maxBytes}: 16 MiB. */
export const MAX_BYTES = 16 << 20;
const CHUNK = 1 << 16;
const PIECE = 1 << 20;

/**
 * Opens a file that another program or user named or made. It never waits for the other end of a pipe, and never opens
 * a device: that alone may have an effect. Throws the system's error, or CommandError if it is not a regular file.
 */
export function openRegular(path: string, { follow = true }: OpenOptions = {}): OpenedFile {
  requireRegular(follow ? statSync(path) : lstatSync(path));
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (follow ? 0 : constants.O_NOFOLLOW);
  const fd = openSync(path, flags);
  const close = () => closeSync(fd);
  try {
    const found = fstatSync(fd); // the file may have been replaced
    requireRegular(found);
    return { fd, size: found.size, [Symbol.dispose]: close };
  } catch (error) {
    close();
    throw error;
  }
}

/**
 * The content of a file that another program or user named or made, see {@link openRegular}. Also throws CommandError
 * if it is larger than the limit, even if it grows during the read.
 */
export function readBounded(path: string, options: ReadOptions = {}): Buffer {
  const limit = options.maxBytes ?? MAX_BYTES;
  using file = openRegular(path, options);
  if (file.size > limit) throw tooLarge(limit);
  const chunks: Buffer[] = [];
  let size = 0;
  for (;;) {
    const chunk = Buffer.allocUnsafe(Math.max(CHUNK, file.size - size + 1));
    const length = readSync(file.fd, chunk, 0, chunk.length, null);
    if (length === 0) return Buffer.concat(chunks, size);
    size += length;
    if (size > limit) throw tooLarge(limit);
    chunks.push(chunk.subarray(0, length));
  }
}

/**
 * The content of a file from its beginning, up to its size when it was opened: a growing file has no end. With a
 * `buffer` each piece is in it, and overwritten by the next; otherwise pieces are of 1 MiB and belong to the caller.
 */
export async function* contentOf(
  { fd, size }: Pick<OpenedFile, "fd" | "size">,
  buffer?: Buffer,
): AsyncGenerator<Buffer> {
  for (let done = 0; done < size; ) {
    const room = buffer ?? Buffer.allocUnsafe(PIECE);
    const length = await readAt(fd, room.subarray(0, Math.min(room.length, size - done)), done);
    if (length === 0) return;
    done += length;
    yield room.subarray(0, length);
  }
}

/** {@link readBounded}, as UTF-8 text. */
export function readTextBounded(path: string, options: ReadOptions = {}): string {
  return readBounded(path, options).toString("utf8");
}

/** {@link readBounded}; undefined if the file does not exist. */
export function readIfThere(path: string, options: ReadOptions = {}): Buffer | undefined {
  try {
    return readBounded(path, options);
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

/** {@link readIfThere}, as UTF-8 text. */
export function readTextIfThere(path: string, options: ReadOptions = {}): string | undefined {
  return readIfThere(path, options)?.toString("utf8");
}

/**
 * Whether an error of the file system means that the path does not exist, also if one of its directories is missing.
 */
export function isAbsence(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "");
}

/** The kind of a special file, for messages; undefined for a regular file. */
export function specialKind(found: Stats): string | undefined {
  if (found.isFile()) return undefined;
  if (found.isDirectory()) return "a directory";
  if (found.isSymbolicLink()) return "a symbolic link";
  if (found.isFIFO()) return "a pipe";
  if (found.isSocket()) return "a socket";
  return "a device";
}

/** Reads without blocking the rest of the program: the file may be large. */
function readAt(fd: number, chunk: Buffer, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, chunk, 0, chunk.length, position, (error, length) => {
      if (error) reject(error);
      else resolve(length);
    });
  });
}

function requireRegular(found: Stats): void {
  const kind = specialKind(found);
  if (kind !== undefined) throw new CommandError(`found ${kind}, expected a file`);
}

function tooLarge(limit: number): CommandError {
  return new CommandError(`larger than ${limit} bytes`);
}
