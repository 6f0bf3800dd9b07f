import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { cmd } from "../../tools/host/cmd.ts";
import type { Host } from "../../tools/host/host.ts";

/**
 * Compresses bytes into a file with zstd at a level (`-19`), on all processors, and returns the file's content. Needs
 * the package zstd.
 */
export async function compress(
  bytes: Uint8Array,
  file: string,
  level: string,
  { host }: { readonly host: Pick<Host, "run"> },
): Promise<Uint8Array> {
  const raw = `${file}.cpio`;
  writeFileSync(raw, bytes);
  await host.run(cmd`zstd --quiet --force --threads=0 ${level} ${raw} -o ${file}`);
  rmSync(raw);
  return readFileSync(file);
}
