import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Made, Step } from "../build/build-step.ts";
import { bundleProgram, nodeBundleArgv, PROGRAM_SOURCES, type ProgramConstants } from "./bundle.ts";
import { packExecutable } from "./launcher.ts";

interface LaunchedInput extends ProgramConstants {
  /** The directory of the runtime. */
  readonly node: Made;
}

/** Bundles the program for Node.js, and packs it with its runtime behind the launcher. */
export const launchedStep: Step<LaunchedInput> = {
  module: import.meta.filename,
  ...PROGRAM_SOURCES,
  packages: () => ["zstd"],
  make: async ({ node, version, releaseKeys, k3s }, into, context) => {
    const bundle = join(into, "k3os.cjs");
    await bundleProgram(bundle, { version, releaseKeys, k3s }, nodeBundleArgv, context);
    writeFileSync(join(into, "k3os"), await packExecutable(node.path, bundle, context));
  },
};
