import { copyFileSync, existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { sha256File } from "../../tools/fs/checksums.ts";
import { cmd } from "../../tools/host/cmd.ts";
import { COMPONENTS, FILE } from "../../tools/host/paths.ts";
import type { Target } from "../../tools/host/targets.ts";
import { compressedName, patchName, patchPrefix, releaseParts } from "../../tools/release/release-part.ts";
import { type Made, partOf, type Step } from "../build/build-step.ts";
import { contentDigest } from "../build/content-digest.ts";
import type { BuildContext } from "../build/context.ts";

interface PackInput {
  readonly file: Made;
  /** An older version of it, which the node has. */
  readonly old?: Made | undefined;
}

const PACKED = "packed.zst";

const packStep: Step<PackInput> = {
  module: import.meta.filename,
  packages: () => ["zstd"],
  make: async ({ file, old }, into, { host }) => {
    // the result does not depend on the number of threads, but on whether there are any
    const level = cmd`--quiet --force -12 --long=28 --threads=2`;
    const base = old === undefined ? [] : cmd`--patch-from=${old.path}`;
    await host.run(cmd`zstd ${level} ${base} ${file.path} -o ${join(into, PACKED)}`);
  },
};

/**
 * Adds smaller forms of the artifacts that upgrades fetch: the executable by zstd, and each file as its difference from
 * that of earlier releases, which are directories with their artifacts. A form is only added if it saves half of what a
 * node fetches without it. Returns the names of the new artifacts.
 */
export async function packFiles(
  { arch }: Pick<Target, "arch">,
  { earlier }: { readonly earlier: readonly string[] },
  { artifacts, make }: Pick<BuildContext, "artifacts" | "make">,
): Promise<string[]> {
  const names: string[] = [];
  const add = async (name: string, limit: number, input: PackInput): Promise<number> => {
    const { path } = partOf(await make(packStep, { name, input }), PACKED);
    const { size } = statSync(path);
    if (size * 2 > limit) return limit;
    copyFileSync(path, join(artifacts, name));
    names.push(name);
    return size;
  };
  for (const { name, file } of COMPONENTS.flatMap((component) => releaseParts(component, arch))) {
    const path = join(artifacts, name);
    const olds = earlier.map((directory) => join(directory, name)).filter((old) => existsSync(old));
    for (const stale of readdirSync(artifacts)) {
      if (stale === compressedName(name) || stale.startsWith(patchPrefix(name)))
        rmSync(join(artifacts, stale));
    }
    if (!existsSync(path) || (file !== FILE.executable && olds.length === 0)) continue;
    const made = madeOf(path);
    let limit = statSync(path).size;
    // the other files are compressed already
    if (file === FILE.executable) limit = await add(compressedName(name), limit, { file: made });
    const digests = new Set([await sha256File(path)]);
    for (const old of olds) {
      const digest = await sha256File(old);
      if (digests.has(digest)) continue;
      digests.add(digest);
      await add(patchName(name, digest), limit, { file: made, old: madeOf(old) });
    }
  }
  return names;
}

function madeOf(path: string): Made {
  return { path, digest: contentDigest(path, "git") };
}
