import { copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { sha256File } from "../../tools/fs/checksums.ts";
import { scratchDirectory } from "../../tools/fs/scratch-directory.ts";
import { cmd } from "../../tools/host/cmd.ts";
import type { Host } from "../../tools/host/host.ts";
import { CommandError } from "../../tools/text/errors.ts";

export interface Reproduction {
  readonly project: string;
  /** Where the clones are made. */
  readonly cache: string;
  /** The secret key that signs in both. */
  readonly key: string;
  /** The time in both, in seconds since the epoch. */
  readonly time: number;
  /** The arguments of `npm run build`. */
  readonly argv: readonly string[];
}

/** What must not matter. */
const ENVIRONMENTS = [
  { TZ: "UTC", LC_ALL: "C.UTF-8" },
  { TZ: "Asia/Kathmandu", LC_ALL: "C" },
] as const;

/**
 * Builds the commit that is checked out in two new clones in directories of different names, without a cache, and compares
 * all artifacts, signatures included. Returns the number of files. Throws CommandError with the names of those that differ.
 */
export async function verifyReproducible(
  { project, cache, key, time, argv }: Reproduction,
  host: Pick<Host, "run" | "print">,
): Promise<number> {
  using scratch = scratchDirectory(cache, "reproduce-");
  const builds: ReadonlyMap<string, string>[] = [];
  for (const [index, environment] of ENVIRONMENTS.entries()) {
    const clone = join(scratch.path, index === 0 ? "one" : "another/directory");
    mkdirSync(dirname(clone), { recursive: true });
    await host.run(cmd`git clone --quiet ${project} ${clone}`);
    mkdirSync(join(clone, ".cache"));
    copyFileSync(key, join(clone, ".cache/signing-key"));
    const env = {
      ...environment,
      K3OS_BUILD_CACHE: join(clone, ".cache/shared"),
      SOURCE_DATE_EPOCH: String(time),
    };
    host.print(`Build ${index + 1} of ${ENVIRONMENTS.length}, in "${clone}"\n`);
    await host.run(cmd`npm run build -- ${argv}`, { cwd: clone, env, stdio: "inherit" });
    builds.push(await digestsIn(join(clone, "dist/artifacts")));
  }
  const [first = new Map(), second = new Map()] = builds;
  const different = differences(first, second);
  if (different.length === 0) return first.size;
  throw new CommandError(`The build is not reproducible: ${different.join(", ")} differ`);
}

/** The names of files that are not the same in both, by their digests; in one alone counts. Pure. */
export function differences(
  first: ReadonlyMap<string, string>,
  second: ReadonlyMap<string, string>,
): readonly string[] {
  const names = [...new Set([...first.keys(), ...second.keys()])].sort();
  return names.filter((name) => first.get(name) !== second.get(name));
}

async function digestsIn(directory: string): Promise<ReadonlyMap<string, string>> {
  const digests = new Map<string, string>();
  for (const name of readdirSync(directory)) digests.set(name, await sha256File(join(directory, name)));
  return digests;
}
