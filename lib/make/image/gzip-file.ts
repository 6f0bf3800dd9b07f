import { constants, copyFileSync } from "node:fs";
import { join } from "node:path";
import { cmd } from "../../tools/host/cmd.ts";
import type { Target } from "../../tools/host/targets.ts";
import { type Made, partOf, type Step } from "../build/build-step.ts";
import type { BuildContext } from "../build/context.ts";
import type { CompressedFile } from "./compressed-tree.ts";
import type { SystemParts } from "./system-tree.ts";

const gzipStep: Step<{ readonly file: Made }> = {
  module: import.meta.filename,
  packages: () => ["pigz"],
  make: async ({ file }, into, { host }) => {
    const copy = join(into, "content");
    copyFileSync(file.path, copy, constants.COPYFILE_FICLONE);
    // pigz splits its input at fixed positions, so the result does not depend on the number of processors
    await host.run(cmd`pigz --no-name --no-time -6 ${copy}`);
  },
};

/**
 * Compresses every file of a system once, for all its archives. A gzip file may consist of several members (RFC 1952,
 * 2.2), so the compressed files are concatenated to a compressed archive without another compression: layers of eStargz
 * images use the same method.
 */
export async function compressFiles(
  { arch }: Pick<Target, "arch">,
  parts: SystemParts,
  { make }: Pick<BuildContext, "make">,
): Promise<readonly CompressedFile[]> {
  const files = Object.values(parts).flatMap((part) => Object.entries(part.files));
  return await compressEach({ arch }, files, { make });
}

/** {@link compressFiles} for other files, each with the name of its step. */
export async function compressEach(
  { arch }: Pick<Target, "arch">,
  files: readonly (readonly [name: string, file: Made])[],
  { make }: Pick<BuildContext, "make">,
): Promise<readonly CompressedFile[]> {
  const compressed: CompressedFile[] = [];
  for (const [name, file] of files) {
    const made = await make(gzipStep, { name: `gzip-${name}-${arch}`, input: { file } });
    compressed.push({ file, gzip: partOf(made, "content.gz") });
  }
  return compressed;
}
