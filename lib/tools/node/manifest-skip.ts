import { readTextIfThere } from "../fs/read-bounded.ts";
import type { Host } from "../host/host.ts";
import { inRoot } from "../host/paths.ts";

/**
 * The text of a file FILE.skip, which makes k3s ignore the manifest FILE. One that a person has made has another text.
 * https://docs.k3s.io/installation/packaged-components#using-skip-files
 */
export const SKIP_TEXT = `k3OS delivers the manifest beside this file itself, once a release, so that
changes by kubectl stay. Once you edit the manifest, k3OS removes this file, and
k3s applies the manifest at each of its starts.
`;

export function skipFile(manifest: string): string {
  return `${manifest}.skip`;
}

/** Whether k3OS makes k3s ignore a manifest. */
export function isKeptFromK3s(manifest: string, host: Pick<Host, "root">): boolean {
  return readTextIfThere(inRoot(host, skipFile(manifest))) === SKIP_TEXT;
}
