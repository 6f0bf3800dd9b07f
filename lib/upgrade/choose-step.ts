import { RELEASES_URL } from "../tools/host/project.ts";
import { readChannel } from "../tools/release/read-channel.ts";
import { compareVersions, versionOrder } from "../tools/release/version-order.ts";
import { OrderError } from "../tools/text/errors.ts";
import { type OrderHost, readOrderFacts } from "./check-order.ts";
import { type FindHost, type FoundRelease, findRelease, type ReleaseQuery } from "./find-release.ts";
import { listReleases } from "./list-releases.ts";
import { type OrderFacts, orderProblem } from "./upgrade-order.ts";

export interface StepQuery extends ReleaseQuery {
  /** The path of `/k3os/system`. */
  readonly system: string;
  /** The current version of k3os. */
  readonly current: string | undefined;
}

/** Lists of earlier releases that are read at most. */
const MOST = 12;

/**
 * The newest release to which this node may step now, on its way to `latest`: that itself if nothing speaks against it, or
 * if it does not declare its k3s. `more`: further steps follow. Throws OrderError if no release at hand is a step.
 */
export async function chooseStep(
  latest: FoundRelease,
  { system, current, ...query }: StepQuery,
  host: FindHost & OrderHost,
): Promise<{ readonly found: FoundRelease; readonly more: boolean }> {
  const declared = latest.release.k3s;
  if (declared === undefined) return { found: latest, more: false };
  const facts = await readOrderFacts(system, declared.version, host);
  const problem = orderProblem({ ...facts, comesFrom: declared.from });
  if (problem === undefined) return { found: latest, more: false };
  // what does not depend on the version speaks against every release
  const isSkew = orderProblem({ ...facts, members: undefined, comesFrom: declared.from }) !== undefined;
  if (!isSkew || facts.servers?.kind === "unknown") throw problem;
  const names = (await earlierReleases(latest, facts, query, host)).filter((name) => {
    const isBetween = compareVersions(name, latest.version) === "newer";
    return isBetween && (current === undefined || compareVersions(current, name) === "newer");
  });
  for (const name of names.filter((one) => mayStep(facts, one)).slice(0, MOST)) {
    const found = await findRelease(query, { ...host, env: { ...host.env, K3OS_VERSION: name } });
    const k3s = found.release.k3s;
    if (k3s === undefined) continue;
    if (orderProblem({ ...facts, to: k3s.version, comesFrom: k3s.from }) === undefined)
      return { found, more: true };
  }
  const looked =
    names.length === 0 ? "no earlier release is known here" : "no earlier release is a step to it";
  throw new OrderError(`${problem.message}; ${looked}`, {
    hint: "name a release with K3OS_VERSION, or where releases lie with K3OS_RELEASE_URL",
  });
}

/**
 * The releases besides the latest, the newest first: of the signed channel beside it, those that are a step; without one,
 * all that the server lists.
 */
async function earlierReleases(
  { directory }: FoundRelease,
  facts: OrderFacts,
  { trust }: ReleaseQuery,
  host: FindHost & OrderHost,
): Promise<readonly string[]> {
  const channel = await readChannel(directory, trust, host);
  if (channel === undefined) return await listReleases(host.env.K3OS_RELEASE_URL || RELEASES_URL, host);
  const steps = channel.releases.filter(({ k3s }) => {
    return (
      k3s !== undefined && orderProblem({ ...facts, to: k3s.version, comesFrom: k3s.from }) === undefined
    );
  });
  return steps.map(({ version }) => version).sort((a, b) => versionOrder(b, a));
}

/** Whether the k3s after which a release is named may be a step; saves reading lists that are none. */
function mayStep(facts: OrderFacts, release: string): boolean {
  const [, minor, patch] = /^v?0\.(\d+)\.(\d+)-k3s/.exec(release) ?? [];
  return minor === undefined || orderProblem({ ...facts, to: `v1.${minor}.${patch}` }) === undefined;
}
