import { chmodSync, copyFileSync, readFileSync, renameSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import type { Target } from "../../tools/host/targets.ts";
import { type Made, partOf } from "../build/build-step.ts";
import type { BuildContext } from "../build/context.ts";
import { bunFor } from "./bun-program.ts";
import { checkExecutable } from "./check-executable.ts";
import { fusedStep } from "./fused.ts";
import { launchedStep } from "./launched.ts";
import { buildNodeRuntime } from "./launcher.ts";
import { buildLoader } from "./loader.ts";

/** Builds `dist/artifacts/k3os-ARCH`, checks it, and returns it. */
export async function buildExecutable(target: Target, context: BuildContext): Promise<Made> {
  const made = partOf(await makeExecutable(target, context), "k3os");
  const artifact = join(context.artifacts, `k3os-${target.arch}`);
  checkExecutable(readFileSync(made.path), target);
  publish(made.path, artifact);
  return { ...made, path: artifact };
}

/** The directory with a target's executable as the file `k3os`. */
export async function makeExecutable(
  target: Target,
  context: Omit<BuildContext, "artifacts">,
): Promise<Made> {
  const { arch, runtime } = target;
  const { make, version, releaseKeys, k3s } = context;
  const name = `executable-${arch}`;
  if (runtime.kind === "node") {
    const node = await buildNodeRuntime(target, context);
    return make(launchedStep, { name, input: { node, version, releaseKeys, k3s } });
  }
  const bun = await bunFor(runtime.package, context);
  const loader = await buildLoader(target, context);
  return make(fusedStep, { name, input: { bun, loader, target: runtime.target, version, releaseKeys, k3s } });
}

/** Copies a cached file to `artifact`, unless size and modification time are the same. */
function publish(made: string, artifact: string): void {
  const { size, mtime } = statSync(made);
  const old = statSync(artifact, { throwIfNoEntry: false });
  if (old?.size === size && old.mtimeMs === mtime.getTime()) return;
  const partial = `${artifact}.partial`;
  copyFileSync(made, partial);
  chmodSync(partial, 0o755);
  utimesSync(partial, mtime, mtime);
  renameSync(partial, artifact);
}
