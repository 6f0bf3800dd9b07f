import { CommandError } from "../text/errors.ts";

/** A version of k3s: Kubernetes' own, with the prerelease if it is one, and the revision of k3s. */
const K3S = /^v1\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?\+([0-9A-Za-z.-]+)$/;

/**
 * The name of the release of k3OS with a k3s, as rancher/k3os named its own: the minor and the patch of Kubernetes, the
 * revision of k3s, and the revision of k3OS. `v1.36.3+k3s1` with revision 0 gives `v0.36.3-k3s1r0`; a prerelease is at
 * the end (`v0.36.3-k3s1r0-rc1`). It is also a tag of a container image, so it has no `+`. Throws CommandError for a
 * text that is not a version of k3s.
 */
export function releaseName(k3s: string, revision: number): string {
  const [, minor, patch, prerelease, build] = K3S.exec(k3s) ?? [];
  if (build === undefined) {
    throw new CommandError(
      `Cannot name a release after k3s "${k3s}": expected a version such as v1.36.3+k3s1`,
    );
  }
  return `v0.${minor}.${patch}-${build}r${revision}${prerelease === undefined ? "" : `-${prerelease}`}`;
}

/** The revision of k3OS in the name of a release: 2 for `v0.36.3-k3s1r2`; 0 for a name of another form. */
export function revisionOf(release: string): number {
  return Number(/^v?\d+\.\d+\.\d+-k3s[0-9A-Za-z.-]*?r(\d+)(?:-|$)/.exec(release)?.[1] ?? 0);
}
