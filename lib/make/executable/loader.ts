import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { scratchDirectory } from "../../tools/fs/scratch-directory.ts";
import { cmd } from "../../tools/host/cmd.ts";
import type { Target } from "../../tools/host/targets.ts";
import { CommandError, during } from "../../tools/text/errors.ts";
import { APT_PACKAGES, APT_VARIABLES, openAptRoot } from "../build/apt.ts";
import { type Made, partOf, type Step, type StepContext } from "../build/build-step.ts";
import type { BuildContext } from "../build/context.ts";
import { compilerPackage } from "./compiler.ts";
import type { Loader } from "./symbols.ts";

const SOURCES = "lib/make/executable/loader";
/** The environment variables to drop; shared with the launcher. */
const ENVIRONMENT = "lib/make/executable/environment.h";
const SUITE = "trixie";
const FLAGS =
  "-Os -pipe -w -fno-stack-protector -fomit-frame-pointer -fno-unwind-tables -fno-asynchronous-unwind-tables";

interface LoaderInput extends Pick<Target, "debian" | "triplet"> {
  /** musl's name of the architecture. */
  readonly musl: string;
}

const loaderStep: Step<LoaderInput> = {
  module: import.meta.filename,
  files: [SOURCES, ENVIRONMENT],
  packages: (target) => [...APT_PACKAGES, "make", "patch", compilerPackage("g++", target)],
  programs: ["configure"], // a program of musl's source
  variables: APT_VARIABLES,
  shared: true,
  make: async (input, into, context) => {
    using directory = scratchDirectory(tmpdir(), "k3os-loader-");
    const scratch = directory.path;
    await using apt = await openAptRoot({ suite: SUITE, arch: input.debian }, context.host);
    const musl = await apt.source("musl", scratch);
    await buildLibc(musl, input, into, context);
    await buildSupportLibrary(input.triplet, into, scratch, context);
  },
};

/**
 * Builds the loader for a target from Debian's source of musl and the compiler's libstdc++.a: only once, about 20 s.
 */
export async function buildLoader(
  target: Target,
  { make }: Pick<BuildContext, "make">,
): Promise<Loader<Made>> {
  const { arch, debian, runtime, triplet } = target;
  if (runtime.kind !== "bun") throw new CommandError(`The executable for ${arch} has no loader`);
  const made = await make(loaderStep, {
    name: `loader-${arch}`,
    input: { debian, triplet, musl: runtime.musl },
  });
  return { libc: partOf(made, "libc.so"), library: partOf(made, "libstdc++.so") };
}

async function buildLibc(
  tree: string,
  { triplet, musl }: LoaderInput,
  into: string,
  { host, source }: StepContext,
): Promise<void> {
  const patch = source(`${SOURCES}/musl.patch`);
  await during("Patching musl's loader", () =>
    host.run(cmd`patch --strip=1 --fuzz=0 --input=${patch}`, { cwd: tree }),
  );
  for (const file of [`${SOURCES}/fused.c`, `${SOURCES}/fused.h`, ENVIRONMENT]) {
    cpSync(source(file), join(tree, "ldso", basename(file)));
  }
  const env = { CC: `${triplet}-gcc`, CROSS_COMPILE: `${triplet}-` };
  const configure = cmd`./configure --target=${musl} --disable-static --disable-wrapper --prefix=/usr`;
  await host.run(configure, { cwd: tree, env });
  await host.run(cmd`make --jobs=2 CFLAGS_AUTO=${FLAGS} lib/libc.so`, { cwd: tree });
  await host.run(cmd`${triplet}-strip -o ${join(into, "libc.so")} ${join(tree, "lib/libc.so")}`);
}

/**
 * The C++ functions that Bun uses from a shared libstdc++, linked against musl. They are the compiler's own, built for
 * glibc: leaf functions that exchange no data with the C library whose layout differs in musl. Review the source of a
 * function before you add it to the list.
 */
async function buildSupportLibrary(
  triplet: string,
  into: string,
  scratch: string,
  { host, source }: StepContext,
): Promise<void> {
  const gcc = `${triplet}-gcc`;
  const symbols = readFileSync(source(`${SOURCES}/cxx-symbols.txt`), "utf8")
    .trim()
    .split("\n");
  const map = join(scratch, "exports.map");
  writeFileSync(map, `{ global: ${symbols.map((name) => `${name};`).join(" ")} local: *; };\n`);
  const object = join(scratch, "support.o");
  await host.run(cmd`
    ${gcc} -fPIC -O2 -fno-stack-protector -c ${source(`${SOURCES}/support.c`)} -o ${object}
  `);
  const archives: string[] = [];
  for (const name of ["libstdc++.a", "libgcc_eh.a", "libgcc.a"]) {
    archives.push((await host.run(cmd`${gcc} -print-file-name=${name}`)).stdout.trim());
  }
  const library = join(into, "libstdc++.so");
  const wanted = symbols.map((name) => `undefined,${name}`);
  const rules = ["soname,libstdc++.so.6", `version-script,${map}`, "gc-sections", "z,defs", ...wanted];
  const link = cmd`
    ${gcc} -shared -nostdlib -s -o ${library}
      ${rules.map(linkerFlag)} ${object} ${archives} -L${into} -lc
  `;
  await during("Linking the C++ support library", () => host.run(link));
}

function linkerFlag(flag: string): string {
  return flag.startsWith("z,") ? `-Wl,-${flag}` : `-Wl,--${flag}`;
}
