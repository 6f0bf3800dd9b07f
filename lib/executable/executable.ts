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
import { type BuildContext, cached, type Input } from "../build/context.ts";
import { CommandError, during } from "../errors.ts";
import type { Target } from "../targets.ts";
import { bunFor, compileArgv } from "./bundle.ts";
import { PT, parseElf } from "./elf.ts";
import { fuse } from "./fuse.ts";
import { buildLoader, checkSymbols } from "./loader.ts";

/** Makes `dist/artifacts/k3os-ARCH`, checks it, and returns its path. */
export async function buildExecutable(target: Target, context: BuildContext): Promise<string> {
  const made =
    target.runtime.kind === "bun" ? await buildFused(target, context) : await buildLaunched(target);
  const artifact = join(context.artifacts, `k3os-${target.arch}`);
  checkExecutable(readFileSync(made), target);
  publish(made, artifact);
  return artifact;
}

async function buildFused(target: Target, context: BuildContext): Promise<string> {
  const { runtime } = target;
  if (runtime.kind !== "bun") throw new TypeError("Only Bun's executables are fused");
  const bun = await bunFor(runtime.package, context);
  const loader = await buildLoader(target, context);
  const directory = await cached(
    { name: `executable-${target.arch}`, inputs: [bun, loader.libc, ...programInputs(context)] },
    async (into) => {
      checkSymbols(readFileSync(bun), loader);
      const outfile = join(into, "k3os");
      const argv = compileArgv(
        { bun: process.execPath, entry: entryOf(context), outfile, version: context.version },
        { target: runtime.target, runtime: bun },
      );
      await during("Bundling the program", () => context.host.run(argv, { cwd: context.project }));
      const parts = { program: outfile, loader: loader.libc, library: loader.library };
      writeFileSync(
        outfile,
        fuse({
          program: readFileSync(parts.program),
          loader: readFileSync(parts.loader),
          library: readFileSync(parts.library),
        }),
      );
    },
    context,
  );
  return join(directory, "k3os");
}

async function buildLaunched(target: Target): Promise<string> {
  throw new CommandError(`The executable for ${target.arch} cannot be built yet`);
}

function entryOf({ project }: Pick<BuildContext, "project">): string {
  return join(project, "bin/k3os.ts");
}

/** What the program depends on; imports below lib/ are not followed, so a change of a build script counts too. */
function programInputs({ project, version }: Pick<BuildContext, "project" | "version">): Input[] {
  const paths = ["bin/k3os.ts", "bin/commands.ts", "commands", "lib", "package-lock.json"];
  return [version, ...paths.map((path) => ({ path: join(project, path) }))];
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
