import type { Section } from "./release-notes.ts";
import type { SourceFacts } from "./release-source.ts";

/** What speaks for and against a release. */
export interface ReleaseFacts {
  /** Of the release: `v0.36.3-k3s1r0`. */
  readonly version: string;
  readonly source: SourceFacts;
  /** The ids of the keys that the programs of the release trust. */
  readonly pinned: readonly string[];
  /** The id of the key that signs; undefined: it is signed already. */
  readonly signer?: string;
  /** The state of the version's section in the changelog; undefined: there is none. */
  readonly notes: Section["state"] | undefined;
}

export interface Objections {
  /** Nothing is made. */
  readonly refusals: readonly string[];
  /** It can be tried, but not published. */
  readonly unpublishable: readonly string[];
}

/** What speaks against a release. Pure. */
export function objectionsTo({ version, source, pinned, signer, notes }: ReleaseFacts): Objections {
  const refusals: string[] = [];
  const unpublishable: string[] = [];
  const others = source.tags.filter((tag) => tag !== version);
  if (others.length > 0)
    refusals.push(`This commit has the tag ${others.join(", ")}, expected ${version} by package.json`);
  else if (source.tags.length === 0) unpublishable.push(`This commit has no tag, expected ${version}`);
  const [first, ...more] = source.dirty;
  if (first !== undefined) {
    const rest = more.length === 0 ? "is" : `and ${more.length} more are`;
    unpublishable.push(`The tree is dirty: "${first}" ${rest} not as committed`);
  }
  if (pinned.length === 0) unpublishable.push("No key is pinned in lib/tools/release/release-keys.json");
  else if (signer !== undefined && !pinned.includes(signer))
    refusals.push(`The key ${signer} is not pinned, expected ${pinned.join(" or ")}`);
  if (notes === undefined) unpublishable.push(`CHANGELOG.md has no section for ${version}`);
  if (notes === "unreleased") unpublishable.push(`CHANGELOG.md calls ${version} unreleased`);
  return { refusals, unpublishable };
}
