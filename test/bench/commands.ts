import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BuildContext } from "../../lib/make/build/context.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { buildEmptyProgram } from "./empty-program.ts";
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
