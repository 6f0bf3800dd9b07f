import { constants, copyFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Target } from "../../tools/host/targets.ts";
import { CommandError } from "../../tools/text/errors.ts";
import { type BuildContext, cached } from "../build/context.ts";
import { ensurePackages } from "../build/required-packages.ts";
import { parentDirectories } from "./cpio.ts";
import { ownSources } from "./own-sources.ts";
import type { Piece } from "./pieces.ts";
import type { SystemParts, TreeEntry } from "./system-tree.ts";
import { type TarEntry, tarPieces } from "./tar.ts";

/** Source files that an archive's bytes depend on. */
export const ARCHIVE_SOURCES = ["compressed-tree.ts", "pieces.ts", "tar.ts", "cpio.ts"] as const;

/** Files that are compressed, by the path of the file that is not. */
export type CompressedFiles = ReadonlyMap<string, string>;

/** An archive in pieces: as it is, and compressed. */
export interface Archive {
  readonly plain: readonly Piece[];
  readonly gzip: readonly Piece[];
}

/**
 * Compresses every file of a system once, for all archives that hold it. A gzip file may have several members, one after
 * the other (RFC 1952, 2.2), so the compressed files are put together to a compressed archive without doing it again:
 * the layers of eStargz images have always been made like this.
 */
export async function compressFiles(
  target: Pick<Target, "arch">,
  parts: SystemParts,
  context: BuildContext,
): Promise<CompressedFiles> {
  const compressed = new Map<string, string>();
  for (const [name, file] of Object.values(parts).flatMap((part) => Object.entries(part.files))) {
    const directory = await cached(
      { name: `gzip-${name}-${target.arch}`, inputs: [...ownSources("compressed-tree.ts"), { path: file }] },
      (into) => compress(file, join(into, "content"), context),
      context,
    );
    compressed.set(file, join(directory, "content.gz"));
  }
  return compressed;
}

/** Leaves `COPY.gz`. */
async function compress(file: string, copy: string, { host }: Pick<BuildContext, "host">): Promise<void> {
  await ensurePackages(["pigz"], host);
  copyFileSync(file, copy, constants.COPYFILE_FICLONE);
  // pigz cuts its input at fixed places, so the number of processors does not show in the result
  await host.run(["pigz", "--no-name", "--no-time", "-6", copy]);
}

/**
 * The archive of a tree below `top`, a path or "" for none; times are all `mtime` (seconds). Throws CommandError for a
 * file that was not compressed.
 */
export function treeArchive(
  tree: readonly TreeEntry[],
  { top, mtime }: { readonly top: string; readonly mtime: number },
  compressed: CompressedFiles,
): Archive {
  const entries = tree.map((entry) => tarEntry(entry, top === "" ? "" : `${top}/`));
  const directories = parentDirectories(entries.map(({ path }) => path));
  const all = [...directories.filter(({ path }) => !isForeign(path, top)), ...entries];
  const plain = tarPieces(
    all.sort((a, b) => (a.path < b.path ? -1 : 1)),
    mtime,
  );
  const gzip = plain.map((piece) => {
    if (piece instanceof Uint8Array) return gzipSync(piece, { level: 0 });
    const file = compressed.get(piece.file);
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
