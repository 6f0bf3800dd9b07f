import { join } from "node:path";
import type { Target } from "../../tools/host/targets.ts";
import { type BuildContext, cached } from "../build/context.ts";
import { ARCHIVE_SOURCES, type CompressedFiles, treeArchive } from "./compressed-tree.ts";
import { ownSources } from "./own-sources.ts";
import { writePieces } from "./pieces.ts";
import { foreignRootTree, type SystemParts, treeInputs } from "./system-tree.ts";

/**
 * Builds `k3os-rootfs-ARCH.tar.gz`: one top directory named by the version, below it the system tree. It unpacks over a
 * foreign root with one component stripped, over `/k3os/system` with three.
 */
export async function buildTarball(
  target: Pick<Target, "arch">,
  { parts, compressed }: { readonly parts: SystemParts; readonly compressed: CompressedFiles },
  context: BuildContext,
): Promise<string> {
  const inputs = [...ownSources("overlay-tarball.ts", ...ARCHIVE_SOURCES), ...treeInputs(parts, context)];
  const directory = await cached(
    { name: `tarball-${target.arch}`, inputs },
    async (into) => {
      const where = { top: context.version, mtime: context.sourceDateEpoch };
      const { gzip } = treeArchive(foreignRootTree(parts), where, compressed);
      await writePieces(join(into, "rootfs.tar.gz"), gzip);
    },
    context,
  );
  return join(directory, "rootfs.tar.gz");
}
