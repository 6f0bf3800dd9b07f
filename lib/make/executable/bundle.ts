import { mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommandError } from "../../tools/text/errors.ts";
import { type BuildContext, cached } from "../build/context.ts";

export interface BundleOptions {
  /** The Bun that bundles. */
  readonly bun: string;
  readonly entry: string;
  readonly outfile: string;
  readonly version: string;
  /** See BuildContext. */
  readonly releaseKeys: readonly string[];
}

/**
 * The command that compiles the program with Bun's runtime into one file. Nothing in the directory it is later started
 * in (bunfig.toml, .env, tsconfig.json, package.json) may change what it does, hence the four autoloads off.
 *
 * What makes it start quickly, in milliseconds of processor time (least of 30; an empty program: 3.9) until
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

/** Under the launcher the runtime's path is that of its loader, which cannot be executed to run this program again. */
const OWN_PATH = "process.execPath = process.env.K3OS_SELF; delete process.env.K3OS_SELF;";

/** The command that bundles the program into one CommonJS file for Node.js in the launcher. */
export function nodeBundleArgv({ bun, entry, outfile, ...constants }: BundleOptions): string[] {
  return [
    ...[bun, "build", entry, "--target=node", "--format=cjs", "--minify", "--reject-unresolved"],
    ...[...definitions(constants), `--banner=${OWN_PATH}`, `--outfile=${outfile}`],
  ];
}

/** The constants that lib/tools/host/version.ts and lib/tools/release/release-keys.ts take from the build; without keys, no trace of them. */
function definitions({ version, releaseKeys }: Pick<BundleOptions, "version" | "releaseKeys">): string[] {
  const constants: Record<string, string> = { K3OS_VERSION: version };
  if (releaseKeys.length > 0) constants.K3OS_RELEASE_KEYS = releaseKeys.join(" ");
  return Object.entries(constants).flatMap(([name, text]) => ["--define", `${name}=${JSON.stringify(text)}`]);
}

/** Bun's own program for a target, as the npm registry has it, at the version of our `bun` dependency. */
export async function bunFor(packageName: string, context: BuildContext): Promise<string> {
  const { version, integrity } = lockedPackage(packageName, context);
  const name = packageName.replace("@oven/", "");
  const directory = await cached(
    { name, inputs: [version, integrity] },
    async (into) => {
      const scratch = mkdtempSync(join(tmpdir(), "k3os-bun-"));
      try {
        const spec = `${packageName}@${version}`;
        const pack = ["npm", "pack", "--silent", "--json", `--pack-destination=${scratch}`, spec];
        const { stdout } = await context.host.run(pack, { cwd: scratch });
        const [packed] = JSON.parse(stdout) as [{ filename: string; integrity: string }];
        if (packed.integrity !== integrity) {
          throw new CommandError(`${spec} has integrity "${packed.integrity}", expected "${integrity}"`);
        }
        await context.host.run([
          "tar",
          "--extract",
          `--file=${join(scratch, packed.filename)}`,
          `--directory=${scratch}`,
        ]);
        renameSync(join(scratch, "package/bin/bun"), join(into, "bun"));
      } finally {
        rmSync(scratch, { recursive: true, force: true });
      }
    },
    context,
  );
  return join(directory, "bun");
}

/** What package-lock.json says of a package that only other machines than this one install. */
function lockedPackage(name: string, { project }: Pick<BuildContext, "project">) {
  const lock = JSON.parse(readFileSync(join(project, "package-lock.json"), "utf8")) as {
    packages: Record<string, { version: string; integrity: string } | undefined>;
  };
  const found = lock.packages[`node_modules/${name}`];
  if (found === undefined) throw new CommandError(`Package "${name}" is not in package-lock.json`);
  return found;
}
