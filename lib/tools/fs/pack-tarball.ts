import { createWriteStream, fsyncSync, lstatSync, openSync, renameSync, rmSync, type Stats } from "node:fs";
import { basename, dirname, join } from "node:path";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { packTar, type TarSource } from "modern-tar/fs";
import { CommandError } from "../text/errors.ts";
import { flushDirectory, requireReplaceable } from "./atomic.ts";

/** A member of a tarball: the given `text`, or the content of the `source` directory or file. */
export type Member =
  | { readonly name: string; readonly text: string }
  | { readonly name: string; readonly source: string; readonly type: "file" | "directory" };

/** The bytes of a `.tar.gz`. */
export async function tarballBytes(members: readonly Member[]): Promise<Buffer> {
  return await buffer(packed(members, () => true).pipe(createGzip()));
}

/**
 * Writes a `.tar.gz` that only its owner may read, completely or not at all: under a temporary name first, then flushed
 * and renamed. Of directories it only packs paths for which `accepts` is true. Throws CommandError, and
 * leaves nothing then.
 */
export async function writeTarball(
  path: string,
  members: readonly Member[],
  accepts: (path: string) => boolean = () => true,
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.partial`);
  try {
    requireReplaceable(lstatSync(path, { throwIfNoEntry: false }));
    rmSync(temporary, { force: true });
    const fd = openSync(temporary, "wx", 0o600);
    const file = createWriteStream("", { fd, autoClose: false });
    await pipeline(packed(members, accepts), createGzip(), file);
    fsyncSync(fd);
    renameSync(temporary, path);
    flushDirectory(dirname(path));
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new CommandError(`Cannot write "${path}"`, { cause });
  }
}

function packed(members: readonly Member[], accepts: (path: string) => boolean) {
  const sources = members.map((member): TarSource => {
    if ("text" in member) {
      return { type: "content", target: member.name, content: member.text, mode: 0o600 };
    }
    return { type: member.type, target: member.name, source: member.source };
  });
  // sockets, pipes and devices are created by the programs that need them
  const isContent = (stat: Stats) => stat.isFile() || stat.isDirectory() || stat.isSymbolicLink();
  return packTar(sources, { filter: (path, stat) => isContent(stat) && accepts(path) });
}
