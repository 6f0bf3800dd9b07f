import { join } from "node:path";
import type { Target } from "../../tools/host/targets.ts";
import { partOf, type Step } from "../build/build-step.ts";
import type { BuildContext } from "../build/context.ts";
import { type CompressedFile, treeArchive } from "./compressed-tree.ts";
import { writePieces } from "./pieces.ts";
import { foreignRootTree, type SystemParts } from "./system-tree.ts";

/** The files of a system for its archives. */
export interface SystemFiles {
  readonly parts: SystemParts;
  readonly compressed: readonly CompressedFile[];
}

interface TarballInput extends SystemFiles {
  readonly version: string;
  readonly sourceDateEpoch: number;
}

const TARBALL = "rootfs.tar.gz";

const tarballStep: Step<TarballInput> = {
  module: import.meta.filename,
  make: async ({ parts, compressed, version, sourceDateEpoch }, into) => {
    const where = { top: version, mtime: sourceDateEpoch };
    const { gzip } = treeArchive(foreignRootTree(parts), where, compressed);
    await writePieces(join(into, TARBALL), gzip);
  },
};

/**
 * Builds `k3os-rootfs-ARCH.tar.gz`: one top directory named after the version, with the system tree below it. It is
 * unpacked over a foreign root with one component stripped, over `/k3os/system` with three.
 */
export async function buildTarball(
  { arch }: Pick<Target, "arch">,
  files: SystemFiles,
  { make, version, sourceDateEpoch }: Pick<BuildContext, "make" | "version" | "sourceDateEpoch">,
): Promise<string> {
  const input = { ...files, version, sourceDateEpoch };
  return partOf(await make(tarballStep, { name: `tarball-${arch}`, input }), TARBALL).path;
}
