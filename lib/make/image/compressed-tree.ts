import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { CommandError } from "../../tools/text/errors.ts";
import type { Made } from "../build/build-step.ts";
import { parentDirectories } from "./cpio.ts";
import type { Piece } from "./pieces.ts";
import type { TreeEntry } from "./system-tree.ts";
import { type TarEntry, tarPieces } from "./tar.ts";

/** A file, and the same compressed. */
export interface CompressedFile {
  readonly file: Made;
  readonly gzip: Made;
}

/** An archive in pieces: as it is, and compressed. */
export interface Archive {
  readonly plain: readonly Piece[];
  readonly gzip: readonly Piece[];
}

/**
 * The archive of a tree below `top`, a path or "" for none; times are all `mtime` (seconds). Throws CommandError for a
 * file that was not compressed.
 */
export function treeArchive(
  tree: readonly TreeEntry[],
  { top, mtime }: { readonly top: string; readonly mtime: number },
  compressed: readonly CompressedFile[],
): Archive {
  const gzipOf = new Map(compressed.map(({ file, gzip }) => [file.path, gzip.path]));
  const entries = tree.map((entry) => tarEntry(entry, top === "" ? "" : `${top}/`));
  const directories = parentDirectories(entries.map(({ path }) => path));
  const all = [...directories.filter(({ path }) => !isForeign(path, top)), ...entries];
  const plain = tarPieces(
    all.sort((a, b) => (a.path < b.path ? -1 : 1)),
    mtime,
  );
  const gzip = plain.map((piece) => {
    if (piece instanceof Uint8Array) return gzipSync(piece, { level: 0 });
    const file = gzipOf.get(piece.file);
    if (file === undefined) throw new CommandError(`"${piece.file}" was not compressed`);
    return { file };
  });
  return { plain, gzip };
}

/**
 * Directories of the root that the archive is unpacked over, which may be links there: GNU tar replaces a link by the
 * directory of its name, and a Debian whose `/sbin` is not `/usr/sbin` any more has no `/sbin/agetty`.
 */
function isForeign(path: string, top: string): boolean {
  return path === join(top, "sbin");
}

function tarEntry(entry: TreeEntry, top: string): TarEntry {
  const path = `${top}${entry.path}`;
  if (entry.kind === "link") return { ...entry, path };
  return { kind: "file", path, mode: entry.mode, content: [{ file: entry.source }] };
}
