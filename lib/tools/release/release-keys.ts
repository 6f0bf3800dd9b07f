import committed from "./release-keys.json" with { type: "json" };
import { type PublicKey, parsePublicKey } from "./signature-keys.ts";

/** Set by a build with additional keys (`--define`): their base64, separated by spaces. */
declare const K3OS_RELEASE_KEYS: string | undefined;

/** Enough for a change of keys: the current key and the next one. */
export const MAX_RELEASE_KEYS = 2;

/** The base64 of the built-in keys of every build: those of this project's releases. */
export const COMMITTED_KEYS: readonly string[] = committed;

/** The keys that this program accepts for releases. */
export function releaseKeys(): PublicKey[] {
  const added = typeof K3OS_RELEASE_KEYS === "string" ? K3OS_RELEASE_KEYS.split(" ") : [];
  return [...COMMITTED_KEYS, ...added].map(parsePublicKey);
}
