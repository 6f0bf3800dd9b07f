import { CommandError } from "../../tools/text/errors.ts";

/** The archive behind the launcher, in the layout of launcher/launcher.c: little-endian, names padded with NULs. */

/** A file of the archive. */
export interface Entry {
  readonly name: string;
  /** In bytes. */
  readonly size: number;
}

/** A string in a file that the launcher replaces with the path of another file of the archive. */
export interface Patch {
  /** The file whose path is written. */
  readonly name: string;
  /** Index of the modified entry. */
  readonly entry: number;
  readonly offset: number;
  /** Bytes at that offset available for the path with its NUL. */
  readonly capacity: number;
}

export interface Archive {
  /** zstd frames, which decompress to the contents of the entries in order. */
  readonly frames: readonly Buffer[];
  readonly entries: readonly Entry[];
  readonly patches: readonly Patch[];
  /** Eight characters that name the directory of the unpacked runtime. */
  readonly runtime: string;
  /** The entry that Node.js runs. */
  readonly script: string;
}

const NAME_SIZE = 48;
const MAGIC = "K3OSNODE";

/** The launcher with the archive behind it: the finished executable. */
export function appendArchive(launcher: Buffer, archive: Archive): Buffer {
  if (!/^[\w-]{8}$/.test(archive.runtime)) throw new TypeError(`Bad runtime name "${archive.runtime}"`);
  return Buffer.concat([
    launcher,
    ...archive.frames,
    ...archive.entries.map((entry) => Buffer.concat([nameField(entry.name), u64(entry.size)])),
    ...archive.patches.map((patch) =>
      Buffer.concat([nameField(patch.name), u32(patch.entry), u32(patch.capacity), u64(patch.offset)]),
    ),
    u64(launcher.length),
    u64(archive.frames.reduce((sum, frame) => sum + frame.length, 0)),
    u32(archive.entries.length),
    u32(archive.patches.length),
    Buffer.from(archive.runtime),
    nameField(archive.script),
    Buffer.from(MAGIC),
  ]);
}

/**
 * Patches for all NUL-terminated paths of scripts below `prefix` in `content`, the file at index `entry`; `nameOf`
 * returns the archive's name of the file at a path.
 */
export function pathPatches(
  content: Buffer,
  { entry, prefix, nameOf }: { entry: number; prefix: string; nameOf: (path: string) => string },
): Patch[] {
  const patches: Patch[] = [];
  for (let at = content.indexOf(prefix); at >= 0; at = content.indexOf(prefix, at + 1)) {
    const end = content.indexOf(0, at);
    const path = content.toString("latin1", at, end);
    if (/^[\w./-]+\.js$/.test(path))
      patches.push({ name: nameOf(path), entry, offset: at, capacity: end - at + 1 });
  }
  return patches;
}

function nameField(name: string): Buffer {
  const field = Buffer.alloc(NAME_SIZE);
  if (field.write(name) !== name.length || name.length >= NAME_SIZE) {
    throw new CommandError(`File name "${name}" is too long for the archive`);
  }
  return field;
}

function u32(value: number): Buffer {
  const field = Buffer.alloc(4);
  field.writeUInt32LE(value);
  return field;
}

function u64(value: number): Buffer {
  const field = Buffer.alloc(8);
  field.writeBigUInt64LE(BigInt(value));
  return field;
}
