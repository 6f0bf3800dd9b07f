import { createWriteStream, fsyncSync, lstatSync, openSync, renameSync, rmSync, type Stats } from "node:fs";
import { basename, dirname, join } from "node:path";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { packTar, type TarSource } from "modern-tar/fs";
import { CommandError } from "../text/errors.ts";
import { flushDirectory, requireReplaceable } from "./atomic.ts";

/** What goes into a tarball: `text` that is at hand, or what a `source` directory or file holds. */
export type Member =
  | { readonly name: string; readonly text: string }
  | { readonly name: string; readonly source: string; readonly type: "file" | "directory" };

/** The bytes of a `.tar.gz`. */
export async function tarballBytes(members: readonly Member[]): Promise<Buffer> {
  return await buffer(packed(members, () => true).pipe(createGzip()));
}

/**
 * Writes a `.tar.gz` that only its owner may read, whole or not at all: under another name first, flushed, renamed. Of
 * directories only what `wanted` says goes in, by its path. Throws CommandError; nothing is left then.
 */
export async function writeTarball(
  path: string,
  members: readonly Member[],
  wanted: (path: string) => boolean = () => true,
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.partial`);
  try {
    requireReplaceable(lstatSync(path, { throwIfNoEntry: false }));
    rmSync(temporary, { force: true });
    const fd = openSync(temporary, "wx", 0o600);
    const file = createWriteStream("", { fd, autoClose: false });
    await pipeline(packed(members, wanted), createGzip(), file);
    fsyncSync(fd);
    renameSync(temporary, path);
    flushDirectory(dirname(path));
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new CommandError(`Cannot write "${path}"`, { cause });
  }
}

function packed(members: readonly Member[], wanted: (path: string) => boolean) {
  const sources = members.map((member): TarSource => {
    if ("text" in member) {
      return { type: "content", target: member.name, content: member.text, mode: 0o600 };
    }
    return { type: member.type, target: member.name, source: member.source };
  });
  // sockets, pipes and devices are made by those who need them
  const isContent = (stat: Stats) => stat.isFile() || stat.isDirectory() || stat.isSymbolicLink();
  return packTar(sources, { filter: (path, stat) => isContent(stat) && wanted(path) });
}
