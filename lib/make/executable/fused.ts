import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Made, Step } from "../build/build-step.ts";
import { bundleProgram, compileArgv, PROGRAM_SOURCES, type ProgramConstants } from "./bundle.ts";
import { fuse } from "./fuse.ts";
import { removeLanguages } from "./icu.ts";
import { checkSymbols, type Loader } from "./symbols.ts";

interface FusedInput extends ProgramConstants {
  readonly bun: Made;
  readonly loader: Loader<Made>;
  /** Bun's name of the target. */
  readonly target: string;
}

/** Compiles the program with Bun's runtime, removes what it does not use, and adds the loader. */
export const fusedStep: Step<FusedInput> = {
  module: import.meta.filename,
  ...PROGRAM_SOURCES,
  make: async ({ bun, loader, target, version, releaseKeys, k3s }, into, context) => {
    const [libc, library] = [loader.libc.path, loader.library.path];
    checkSymbols(readFileSync(bun.path), { libc, library });
    const outfile = join(into, "k3os");
    const argv = (options: Parameters<typeof compileArgv>[0]) =>
      compileArgv(options, { target, runtime: bun.path });
    await bundleProgram(outfile, { version, releaseKeys, k3s }, argv, context);
    const parts = { loader: readFileSync(libc), library: readFileSync(library) };
    const program = readFileSync(outfile);
    const unused = removeLanguages(program);
    writeFileSync(outfile, fuse({ program, ...parts, unused }));
  },
};
