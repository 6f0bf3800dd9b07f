import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { CommandError } from "../../tools/text/errors.ts";
import type { Made } from "../build/build-step.ts";
import { parentDirectories } from "./cpio.ts";
import type { Piece } from "./pieces.ts";
import type { TreeEntry } from "./system-tree.ts";
import { type TarEntry, tarPieces } from "./tar.ts";

/** A file with its compressed form. */
export interface CompressedFile {
  readonly file: Made;
  readonly gzip: Made;
}

/** An archive in pieces: uncompressed and compressed. */
export interface Archive {
  readonly plain: readonly Piece[];
  readonly gzip: readonly Piece[];
}

/**
 * The archive of a tree below `top`, a path or "" for none; all times are `mtime` (seconds). Throws CommandError for a
 * file without a compressed form.
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
 * Directories of the root below the archive, which may be links there: GNU tar replaces a link with the directory of
 * its name, and a Debian whose `/sbin` is no longer `/usr/sbin` has no `/sbin/agetty`.
 */
function isForeign(path: string, top: string): boolean {
  return path === join(top, "sbin");
}

function tarEntry(entry: TreeEntry, top: string): TarEntry {
  const path = `${top}${entry.path}`;
  if (entry.kind === "link") return { ...entry, path };
  return { kind: "file", path, mode: entry.mode, content: [{ file: entry.source }] };
}
