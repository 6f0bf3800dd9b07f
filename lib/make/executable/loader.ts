import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { hostTarget, type Target } from "../../tools/host/targets.ts";
import { CommandError, during } from "../../tools/text/errors.ts";
import { openAptRoot } from "../build/apt.ts";
import { type BuildContext, cached } from "../build/context.ts";
import { ensurePackages } from "../build/required-packages.ts";
import { dynamicSymbols } from "./elf.ts";

/** The loader and the C++ support library that are fused with a program made for musl. */
export interface Loader {
  /** Path of musl's libc.so with our loader in it. */
  readonly libc: string;
  /** Path of the C++ support library. */
  readonly library: string;
}

const SOURCES = join(import.meta.dirname, "loader");
/** Which variables of the environment are dropped; shared with the launcher. */
const ENVIRONMENT = join(import.meta.dirname, "environment.h");
const SUITE = "trixie";
const FLAGS =
  "-Os -pipe -w -fno-stack-protector -fomit-frame-pointer -fno-unwind-tables -fno-asynchronous-unwind-tables";

/** Builds the loader for a target from Debian's source of musl and the compiler's libstdc++.a: once, about 20 s. */
export async function buildLoader(target: Target, context: BuildContext): Promise<Loader> {
  const { runtime, triplet } = target;
  if (runtime.kind !== "bun") throw new CommandError(`The executable for ${target.arch} has no loader`);
  const directory = await cached(
    {
      name: `loader-${target.arch}`,
      inputs: [SUITE, FLAGS, runtime.musl, triplet, { path: SOURCES }, { path: ENVIRONMENT }],
    },
    async (into) => {
      const { host } = context;
      await ensurePackages(["make", "patch", compilerPackage("g++", target)], host);
      const scratch = mkdtempSync(join(tmpdir(), "k3os-loader-"));
      try {
        await using apt = await openAptRoot({ suite: SUITE, arch: target.debian }, host);
        const musl = await apt.source("musl", scratch);
        await buildLibc(musl, { triplet, musl: runtime.musl }, into, context);
        await buildSupportLibrary(triplet, into, scratch, context);
      } finally {
        rmSync(scratch, { recursive: true, force: true });
      }
    },
    context,
  );
  return { libc: join(directory, "libc.so"), library: join(directory, "libstdc++.so") };
}

/** The Debian package of a compiler for a target on this machine. */
export function compilerPackage(compiler: "gcc" | "g++", target: Target): string {
  return hostTarget().triplet === target.triplet ? compiler : `${compiler}-${target.triplet}`;
}

async function buildLibc(
  source: string,
  { triplet, musl }: { triplet: string; musl: string },
  into: string,
  { host }: Pick<BuildContext, "host">,
): Promise<void> {
  await during("Patching musl's loader", () =>
    host.run(["patch", "--strip=1", "--fuzz=0", `--input=${join(SOURCES, "musl.patch")}`], { cwd: source }),
  );
  for (const file of [join(SOURCES, "fused.c"), join(SOURCES, "fused.h"), ENVIRONMENT]) {
    cpSync(file, join(source, "ldso", basename(file)));
  }
  const env = { CC: `${triplet}-gcc`, CROSS_COMPILE: `${triplet}-` };
  const configure = [
    "./configure",
    `--target=${musl}`,
    "--disable-static",
    "--disable-wrapper",
    "--prefix=/usr",
  ];
  await host.run(configure, { cwd: source, env });
  await host.run(["make", "--jobs=2", `CFLAGS_AUTO=${FLAGS}`, "lib/libc.so"], { cwd: source });
  await host.run([`${triplet}-strip`, "-o", join(into, "libc.so"), join(source, "lib/libc.so")]);
}

/**
 * The C++ functions that Bun takes from a shared libstdc++, linked against musl. They are the compiler's own, made for
 * glibc: leaf functions that exchange nothing with the C library whose layout differs in musl. A new one is added to
 * the list only after a look at its source.
 */
async function buildSupportLibrary(
  triplet: string,
  into: string,
  scratch: string,
  { host }: Pick<BuildContext, "host">,
): Promise<void> {
  const gcc = `${triplet}-gcc`;
  const symbols = supportSymbols();
  const map = join(scratch, "exports.map");
  writeFileSync(map, `{ global: ${symbols.map((name) => `${name};`).join(" ")} local: *; };\n`);
  const object = join(scratch, "support.o");
  await host.run([
    gcc,
    "-fPIC",
    "-O2",
    "-fno-stack-protector",
    "-c",
    join(SOURCES, "support.c"),
    "-o",
    object,
  ]);
  const archives: string[] = [];
  for (const name of ["libstdc++.a", "libgcc_eh.a", "libgcc.a"]) {
    archives.push((await host.run([gcc, `-print-file-name=${name}`])).stdout.trim());
  }
  const library = join(into, "libstdc++.so");
  const link = [
    ...[gcc, "-shared", "-nostdlib", "-s", "-o", library],
    ...["soname,libstdc++.so.6", `version-script,${map}`, "gc-sections", "z,defs"].map(linkerFlag),
    ...symbols.map((name) => linkerFlag(`undefined,${name}`)),
    ...[object, ...archives, `-L${into}`, "-lc"],
  ];
  await during("Linking the C++ support library", () => host.run(link));
}

function linkerFlag(flag: string): string {
  return flag.startsWith("z,") ? `-Wl,-${flag}` : `-Wl,--${flag}`;
}

/** The symbols that the support library exports. */
function supportSymbols(): string[] {
  return readFileSync(join(SOURCES, "cxx-symbols.txt"), "utf8").trim().split("\n");
}

/**
 * Fails with the names when `program` asks for symbols that the loader and the support library do not have: the
 * runtime would only stop with an error when first started.
 */
export function checkSymbols(program: Buffer, loader: Loader): void {
  const present = [loader.libc, loader.library].flatMap((file) => dynamicSymbols(readFileSync(file)));
  const missing = missingSymbols(dynamicSymbols(program), present);
  if (missing.length === 0) return;
  throw new CommandError(`This version of Bun needs symbols that the loader lacks: ${missing.join(", ")}`, {
    hint: "C++ symbols: check them against libstdc++'s source, and add them to lib/make/executable/loader/cxx-symbols.txt",
  });
}

type Symbols = ReturnType<typeof dynamicSymbols>;

/** Names that `program` needs (weak ones excepted) and `libraries` do not define. */
export function missingSymbols(program: Symbols, libraries: Symbols): string[] {
  const defined = new Set(libraries.filter((symbol) => symbol.defined).map((symbol) => symbol.name));
  return program
    .filter((symbol) => symbol.name !== "" && (symbol.copied || (!symbol.defined && !symbol.weak)))
    .map((symbol) => symbol.name)
    .filter((name) => !defined.has(name));
}
