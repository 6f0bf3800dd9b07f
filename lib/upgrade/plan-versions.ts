import type { Part } from "../tools/generation/stage.ts";
import { maskUrl } from "../tools/http/http.ts";
import { type Release, releaseFile } from "../tools/release/read-release.ts";
import { releaseParts } from "../tools/release/release-part.ts";
import { formatBytes } from "../tools/terminal/progress.ts";
import type { VersionPlan } from "./fetch-files.ts";
import { type FilePlan, fetchedName, planFiles } from "./file-plan.ts";
import type { FoundRelease } from "./find-release.ts";

/**
 * The versions of k3OS and k3s in a release of which every file is listed; undefined if only its tarball has them, as
 * in older releases.
 */
export function rootfsVersions({ release, version }: FoundRelease): readonly Part[] | undefined {
  const { files, arch, k3s } = release;
  const lists = (component: "k3os" | "k3s") =>
    releaseParts(component, arch).every(({ name }) => files.has(name));
  if (!lists("k3os") || lists("k3s") !== (k3s !== undefined)) return undefined;
  const k3os = { component: "k3os", version } as const;
  return k3s === undefined ? [k3os] : [k3os, { component: "k3s", version: k3s.version }];
}

/** The names of all files of some versions in a release. */
export function fileNames(versions: readonly Part[], { arch }: Pick<Release, "arch">): string[] {
  return versions.flatMap(({ component }) => releaseParts(component, arch).map(({ name }) => name));
}

/** How a system gets each file of some versions. Throws CommandError for a file that the release does not list. */
export async function planVersions(
  versions: readonly Part[],
  release: Release,
  system: string,
): Promise<readonly VersionPlan[]> {
  const plans: VersionPlan[] = [];
  for (const version of versions) {
    const parts = releaseParts(version.component, release.arch);
    plans.push({ ...version, files: await planFiles(version.component, parts, { release, system }) });
  }
  return plans;
}

/** A line for each file: what is fetched, with its size, or where it is already. */
export function describePlan(
  plans: readonly VersionPlan[],
  { directory, release }: Pick<FoundRelease, "directory" | "release">,
): string[] {
  return plans.flatMap(({ files }) => files.map((file) => describeFile(file, directory, release)));
}

function describeFile(file: FilePlan, directory: string, { sizes }: Pick<Release, "sizes">): string {
  const name = fetchedName(file);
  if (name === undefined) return `${file.name}: on this node already`;
  const size = sizes.get(name);
  const place = maskUrl(releaseFile(directory, name));
  return size === undefined ? place : `${place} (${formatBytes(size)})`;
}
