import { dirname } from "node:path";
import { during } from "../../tools/text/errors.ts";
import type { Step, StepContext } from "../build/build-step.ts";

/** The sources of a bundled program, and the files that Bun reads for it. */
export const PROGRAM_SOURCES: Required<Pick<Step<unknown>, "bundles" | "files">> = {
  bundles: ["bin/k3os.ts"],
  files: ["package.json", "tsconfig.json"],
};

/** The constants that are compiled into a program. */
export interface ProgramConstants {
  readonly version: string;
  /** See BuildContext. */
  readonly releaseKeys: readonly string[];
  /** See BuildContext. */
  readonly k3s?: string | undefined;
}

export interface BundleOptions extends ProgramConstants {
  /** The Bun that bundles. */
  readonly bun: string;
  readonly entry: string;
  readonly outfile: string;
}

/** Bundles the program into one file with the command of `argvOf`, in the project's root directory. */
export async function bundleProgram(
  outfile: string,
  constants: ProgramConstants,
  argvOf: (options: BundleOptions) => string[],
  { host, source }: StepContext,
): Promise<void> {
  const entry = source("bin/k3os.ts");
  const argv = argvOf({ ...constants, bun: process.execPath, entry, outfile });
  await during("Bundling the program", () => host.run(argv, { cwd: dirname(source("package.json")) }));
}

/**
 * The command that compiles the program with Bun's runtime into one file. Nothing in the directory it is later started
 * in (bunfig.toml, .env, tsconfig.json, package.json) may change what it does, hence the four autoloads off.
 *
 * The effect of each flag on the start, in milliseconds of processor time (least of 30; an empty program: 3.9) until
 * `k3os --version` and `k3os config --dump` have ended:
 *
 *     neither flag                  68     –   everything is parsed, though imported lazily
 *     --bytecode                    16   18    the bytecode of all commands is loaded
 *     --splitting                    8   19    every chunk is parsed when it is imported
 *     --splitting --bytecode         6   11
 *     and --compile-jit-policy=10    6    9    chosen: compiling to machine code pays off ten times later
 *
 * The last takes `config validate` of a file with every key from 35 to 24, of one with 20,000 labels from 697 to 722.
 * --bytecode-order gained 3 % of the dump.
 */
export function compileArgv(
  { bun, entry, outfile, ...constants }: BundleOptions,
  { target, runtime }: { target: string; runtime: string },
): string[] {
  return [
    ...[bun, "build", entry, "--compile", `--target=${target}`, `--compile-executable-path=${runtime}`],
    ...["--minify", "--bytecode", "--splitting", "--compile-jit-policy=10", "--format=esm"],
    "--reject-unresolved",
    ...["dotenv", "bunfig", "tsconfig", "package-json"].map((name) => `--no-compile-autoload-${name}`),
    ...[...definitions(constants), `--outfile=${outfile}`],
  ];
}

/**
 * Under the launcher the path of the runtime is that of its loader, which cannot be executed to run this program again.
 */
const OWN_PATH = "process.execPath = process.env.K3OS_SELF; delete process.env.K3OS_SELF;";

/** The command that bundles the program into one CommonJS file for Node.js in the launcher. */
export function nodeBundleArgv({ bun, entry, outfile, ...constants }: BundleOptions): string[] {
  return [
    ...[bun, "build", entry, "--target=node", "--format=cjs", "--minify", "--reject-unresolved"],
    ...[...definitions(constants), `--banner=${OWN_PATH}`, `--outfile=${outfile}`],
  ];
}

/**
 * The build constants for lib/tools/host/version.ts, lib/tools/release/release-keys.ts and
 * lib/tools/release/k3s-release.ts; the last two only if there is something to say.
 * undici looks at its own path, for which the bundler would write where this clone lies: two clones would build
 * different programs.
 */
function definitions({ version, releaseKeys, k3s }: ProgramConstants): string[] {
  const constants: Record<string, string> = { K3OS_VERSION: version, __filename: "k3os" };
  if (releaseKeys.length > 0) constants.K3OS_RELEASE_KEYS = releaseKeys.join(" ");
  if (k3s !== undefined) constants.K3OS_K3S = k3s;
  return Object.entries(constants).flatMap(([name, text]) => ["--define", `${name}=${JSON.stringify(text)}`]);
}
