import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type BuildContext, cached } from "../build/context.ts";
import { ensurePackages } from "../build/packages.ts";
import type { Target } from "../targets.ts";
import { ownSources } from "./sources.ts";
import { type SystemParts, treeInputs, writeSystemTree } from "./system-tree.ts";

/**
 * Builds `k3os-rootfs-ARCH.tar.gz`: one top directory named by the version, below it the system tree. It unpacks over a
 * foreign root with one component stripped, over `/k3os/system` with three.
 */
export async function buildTarball(
  target: Target,
  parts: SystemParts,
  context: BuildContext,
): Promise<string> {
  const directory = await cached(
    { name: `tarball-${target.arch}`, inputs: [...ownSources("tarball.ts"), ...treeInputs(parts, context)] },
    async (into) => {
      await ensurePackages(["pigz"], context.host);
      const stage = mkdtempSync(join(into, "stage-"));
      writeSystemTree(join(stage, context.version), parts);
      const same = [
        "--format=gnu",
        "--sort=name",
        "--owner=0",
        "--group=0",
        "--numeric-owner",
        "--mode=go-w",
      ];
      const time = `--mtime=@${context.sourceDateEpoch}`;
      // pigz cuts its input at fixed places, so the number of processors does not show in the result
      const how = [
        "--use-compress-program=pigz --no-name --no-time -6",
        `--file=${join(into, "rootfs.tar.gz")}`,
      ];
      await context.host.run([
        "tar",
        "--create",
        ...how,
        ...same,
        time,
        `--directory=${stage}`,
        context.version,
      ]);
      rmSync(stage, { recursive: true });
    },
    context,
  );
  return join(directory, "rootfs.tar.gz");
}
