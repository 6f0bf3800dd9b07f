import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BuildContext, cached } from "../../lib/make/build/context.ts";
import { bunFor, compileArgv } from "../../lib/make/executable/bundle.ts";
import { fuse } from "../../lib/make/executable/fuse.ts";
import { buildLoader } from "../../lib/make/executable/loader.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { byTurns, type Figure, ratio } from "./figure.ts";

const TIMES = 41;

/** How much longer two commands take than a program that does nothing, compiled and fused in the same way. */
export async function benchCommands(context: BuildContext): Promise<Figure[]> {
  // copies of the same age: how a file lies in the page cache makes a third of the time of such short runs
  const scratch = mkdtempSync(join(tmpdir(), "k3os-bench-"));
  const [k3os, empty] = [join(scratch, "k3os"), join(scratch, "empty")];
  copyFileSync(join(context.artifacts, `k3os-${hostTarget().arch}`), k3os);
  copyFileSync(await buildEmptyProgram(context), empty);
  const compare = async (name: string, aim: number, args: readonly string[]) => {
    const comparison = await byTurns(
      TIMES,
      () => runTime(k3os, args),
      () => runTime(empty, []),
    );
    return ratio(name, aim, comparison, "an empty program");
  };
  const figures = [
    await compare("k3os --version", 1.3, ["--version"]),
    await compare("k3os config --dump", 2, ["config", "--dump"]),
  ];
  rmSync(scratch, { recursive: true });
  return figures;
}

function runTime(program: string, args: readonly string[]): number {
  const started = performance.now();
  const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
  const time = performance.now() - started;
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} ended with status ${status}: ${stderr}`);
  return time;
}

async function buildEmptyProgram(context: BuildContext): Promise<string> {
  const target = hostTarget();
  const { runtime } = target;
  if (runtime.kind !== "bun") throw new Error("There is no empty program for Node.js in the launcher");
  const bun = await bunFor(runtime.package, context);
  const loader = await buildLoader(target, context);
  const options = { bun: process.execPath, version: context.version, releaseKeys: [] };
  const directory = await cached(
    { name: "bench-empty-program", inputs: [bun, loader.libc, compileArgv.toString()] },
    async (into) => {
      const [entry, outfile] = [join(into, "empty.ts"), join(into, "empty")];
      writeFileSync(entry, "export {};\n");
      await context.host.run(
        compileArgv({ ...options, entry, outfile }, { target: runtime.target, runtime: bun }),
      );
      const parts = { loader: readFileSync(loader.libc), library: readFileSync(loader.library) };
      writeFileSync(outfile, fuse({ program: readFileSync(outfile), ...parts }), { mode: 0o755 });
    },
    context,
  );
  return join(directory, "empty");
}
