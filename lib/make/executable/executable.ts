import {
  chmodSync,
  copyFileSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Target } from "../../tools/host/targets.ts";
import { CommandError, during } from "../../tools/text/errors.ts";
import { type BuildContext, cached, type Input } from "../build/context.ts";
import { type BundleOptions, bunFor, compileArgv, nodeBundleArgv } from "./bundle.ts";
import { PT, parseElf } from "./elf.ts";
import { fuse } from "./fuse.ts";
import { buildNodeRuntime, packExecutable } from "./launcher.ts";
import { buildLoader, checkSymbols } from "./loader.ts";

type BunRuntime = Extract<Target["runtime"], { kind: "bun" }>;

/** Makes `dist/artifacts/k3os-ARCH`, checks it, and returns its path. */
export async function buildExecutable(target: Target, context: BuildContext): Promise<string> {
  const { runtime } = target;
  const made =
    runtime.kind === "bun"
      ? await buildFused(target, runtime, context)
      : await buildLaunched(target, context);
  const artifact = join(context.artifacts, `k3os-${target.arch}`);
  checkExecutable(readFileSync(made), target);
  publish(made, artifact);
  return artifact;
}

async function buildFused(target: Target, runtime: BunRuntime, context: BuildContext): Promise<string> {
  const bun = await bunFor(runtime.package, context);
  const loader = await buildLoader(target, context);
  const directory = await cached(
    { name: `executable-${target.arch}`, inputs: [bun, loader.libc, ...programInputs(context)] },
    async (into) => {
      checkSymbols(readFileSync(bun), loader);
      const outfile = join(into, "k3os");
      const argv = compileArgv(bundleOptions(outfile, context), { target: runtime.target, runtime: bun });
      await runBundler(argv, context);
      const fused = fuse({
        program: readFileSync(outfile),
        loader: readFileSync(loader.libc),
        library: readFileSync(loader.library),
      });
      writeFileSync(outfile, fused);
    },
    context,
  );
  return join(directory, "k3os");
}

async function buildLaunched(target: Target, context: BuildContext): Promise<string> {
  const runtime = await buildNodeRuntime(target, context);
  const directory = await cached(
    { name: `executable-${target.arch}`, inputs: [runtime.launcher, ...programInputs(context)] },
    async (into) => {
      const bundle = join(into, "k3os.cjs");
      await runBundler(nodeBundleArgv(bundleOptions(bundle, context)), context);
      writeFileSync(join(into, "k3os"), await packExecutable(runtime, bundle, context));
    },
    context,
  );
  return join(directory, "k3os");
}

function bundleOptions(outfile: string, { project, version, releaseKeys }: BuildContext): BundleOptions {
  return { bun: process.execPath, entry: join(project, "bin/k3os.ts"), outfile, version, releaseKeys };
}

async function runBundler(argv: readonly string[], { host, project }: BuildContext): Promise<void> {
  await during("Bundling the program", () => host.run(argv, { cwd: project }));
}

/** What the program depends on; imports below lib/ are not followed, so a change of a build script counts too. */
function programInputs({
  project,
  version,
  releaseKeys,
}: Pick<BuildContext, "project" | "version" | "releaseKeys">): Input[] {
  const paths = ["bin/k3os.ts", "bin/commands.ts", "commands", "lib", "package-lock.json"];
  return [version, ...releaseKeys, ...paths.map((path) => ({ path: join(project, path) }))];
}

/**
 * Throws CommandError unless the file is a static executable for the target: no interpreter, no dynamic section, every
 * segment within the file, none writable and executable at once.
 */
export function checkExecutable(file: Buffer, target: Pick<Target, "arch" | "elfMachine">): void {
  const { machine, segments } = parseElf(file);
  const complaints = [
    machine === target.elfMachine ? "" : `is for machine ${machine}, not ${target.elfMachine}`,
    segments.some((s) => s.type === PT.interp) ? "wants an interpreter" : "",
    segments.some((s) => s.type === PT.dynamic) ? "has a dynamic section" : "",
    segments.some((s) => s.offset + s.fileSize > file.length) ? "is cut off" : "",
    segments.some((s) => s.type === PT.load && (s.flags & 3) === 3) ? "has writable code" : "",
  ].filter((complaint) => complaint !== "");
  if (complaints.length > 0)
    throw new CommandError(`The executable for ${target.arch} ${complaints.join(", ")}`);
}

/** Puts a copy of a cached file at `artifact`, unless one is there, by size and time of modification. */
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
