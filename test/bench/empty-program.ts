import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Made, Step } from "../../lib/make/build/build-step.ts";
import type { BuildContext } from "../../lib/make/build/context.ts";
import { bunFor } from "../../lib/make/executable/bun-program.ts";
import { compileArgv } from "../../lib/make/executable/bundle.ts";
import { fuse } from "../../lib/make/executable/fuse.ts";
import { buildLoader } from "../../lib/make/executable/loader.ts";
import type { Loader } from "../../lib/make/executable/symbols.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";

interface EmptyInput {
  readonly bun: Made;
  readonly loader: Loader<Made>;
  readonly target: string;
  readonly version: string;
}

const emptyStep: Step<EmptyInput> = {
  module: import.meta.filename,
  make: async ({ bun, loader, target, version }, into, { host }) => {
    const [entry, outfile] = [join(into, "empty.ts"), join(into, "empty")];
    writeFileSync(entry, "export {};\n");
    const options = { bun: process.execPath, version, releaseKeys: [], entry, outfile };
    await host.run(compileArgv(options, { target, runtime: bun.path }));
    const parts = { loader: readFileSync(loader.libc.path), library: readFileSync(loader.library.path) };
    writeFileSync(outfile, fuse({ program: readFileSync(outfile), ...parts }), { mode: 0o755 });
  },
};

/** Compiles and fuses a program that does nothing, as ours is made. Returns its path. */
export async function buildEmptyProgram(context: BuildContext): Promise<string> {
  const target = hostTarget();
  const { runtime } = target;
  if (runtime.kind !== "bun") throw new Error("There is no empty program for Node.js in the launcher");
  const bun = await bunFor(runtime.package, context);
  const loader = await buildLoader(target, context);
  const input = { bun, loader, target: runtime.target, version: context.version };
  const made = await context.make(emptyStep, { name: "bench-empty-program", input });
  return join(made.path, "empty");
}
