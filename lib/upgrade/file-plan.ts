import { statSync } from "node:fs";
import { join } from "node:path";
import { sha256File } from "../tools/fs/checksums.ts";
import { readLinks, versionsOf } from "../tools/generation/generation-links.ts";
import type { Component } from "../tools/host/paths.ts";
import { digestOf, type Release } from "../tools/release/read-release.ts";
import { compressedName, patchName, patchPrefix, type ReleasePart } from "../tools/release/release-part.ts";

/** How a node gets a file of a release. */
export interface FilePlan extends ReleasePart {
  /** SHA-256 of the file, in hexadecimal. */
  readonly sha256: string;
  readonly way: /** It is in another version already. */
    | { readonly kind: "present"; readonly path: string }
    /** Fetch its difference from the present file `base`. */
    | { readonly kind: "patch"; readonly name: string; readonly base: string }
    /** Fetch it, compressed by zstd. */
    | { readonly kind: "compressed"; readonly name: string }
    | { readonly kind: "whole" };
}

/** The release's list, and the system directory of the node. */
export interface FileQuery {
  readonly release: Pick<Release, "files" | "sizes" | "arch">;
  readonly system: string;
}

/**
 * Plans how to get the files of a component that a release lists: not at all, if a version on the node has the same
 * content; else by what is smallest. Throws CommandError for a file that is not listed.
 */
export async function planFiles(
  component: Component,
  parts: readonly ReleasePart[],
  query: FileQuery,
): Promise<readonly FilePlan[]> {
  const plans: FilePlan[] = [];
  for (const part of parts) {
    const sha256 = digestOf(query.release, part.name);
    plans.push({ ...part, sha256, way: await wayTo(component, part, sha256, query) });
  }
  return plans;
}

async function wayTo(
  component: Component,
  { name, file }: ReleasePart,
  sha256: string,
  { release: { files, sizes }, system }: FileQuery,
): Promise<FilePlan["way"]> {
  const wanted = sizes.get(name);
  const hasPatches = [...files.keys()].some((other) => other.startsWith(patchPrefix(name)));
  let patch: FilePlan["way"] | undefined;
  for (const path of filesOf(system, component, file)) {
    const mayBeSame = wanted === undefined || wanted === statSync(path).size;
    if (!mayBeSame && !hasPatches) continue;
    const found = await sha256File(path);
    if (found === sha256) return { kind: "present", path };
    const from = patchName(name, found);
    if (files.has(from)) patch ??= { kind: "patch", name: from, base: path };
  }
  if (patch !== undefined) return patch;
  const compressed = compressedName(name);
  return files.has(compressed) ? { kind: "compressed", name: compressed } : { kind: "whole" };
}

/** The paths of a file in the versions of a component, the current one first. */
function filesOf(system: string, component: Component, file: string): string[] {
  const { current } = readLinks(system)[component];
  const others = versionsOf(system, component).filter((version) => version !== current);
  const versions = current === undefined ? others : [current, ...others];
  const paths = versions.map((version) => join(system, component, version, file));
  return paths.filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
}

/** The name of what a plan fetches; undefined for nothing. */
export function fetchedName({ name, way }: Pick<FilePlan, "name" | "way">): string | undefined {
  if (way.kind === "present") return undefined;
  return way.kind === "whole" ? name : way.name;
}

/** Bytes that the files need on the disk until they have their names, as far as the release says. */
export function neededBytes(plans: readonly FilePlan[], sizes: ReadonlyMap<string, number>): number {
  const sizeOf = (name: string) => sizes.get(name) ?? 0;
  const results = plans.reduce((sum, { name }) => sum + sizeOf(name), 0);
  const packed = plans.reduce((sum, { way }) => sum + ("name" in way ? sizeOf(way.name) : 0), 0);
  return results + packed;
}
