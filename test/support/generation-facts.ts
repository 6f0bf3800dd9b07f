import type { GenerationFacts } from "../../lib/tools/generation/generation-facts.ts";
import type { Trial } from "../../lib/tools/generation/trial.ts";
import { COMPONENTS, type Component } from "../../lib/tools/host/paths.ts";

type PerComponent<T> = Readonly<Partial<Record<Component, T>>>;

/** Facts of a system with these versions, the first of each current, the second previous; nothing else is known of it. */
export function generationFacts(
  versions: PerComponent<readonly string[]>,
  more: Partial<GenerationFacts> = {},
): GenerationFacts {
  const linksOf = (component: Component) => {
    const [current, previous] = versions[component] ?? [];
    return { current, previous };
  };
  return {
    links: { k3os: linksOf("k3os"), k3s: linksOf("k3s"), kernel: linksOf("kernel") },
    versions: {
      k3os: versions.k3os?.toReversed() ?? [],
      k3s: versions.k3s?.toReversed() ?? [],
      kernel: versions.kernel?.toReversed() ?? [],
    },
    leftovers: { k3os: [], k3s: [], kernel: [] },
    trial: undefined,
    quarantine: [],
    damage: { trial: undefined, quarantine: undefined },
    ...more,
  };
}

/** An upgrade on trial that changes components from one version to another: `[FROM, TO]`, or `[FROM, TO, PREVIOUS]`. */
export function trialOf(
  changes: PerComponent<readonly [from: string, to: string, previous?: string]>,
  more: Partial<Trial> = {},
): Trial {
  const parts = COMPONENTS.flatMap((component) => {
    const [from, to, previous] = changes[component] ?? [];
    return to === undefined ? [] : [{ component, from, to, previous }];
  });
  return {
    state: "trial",
    kind: "upgrade",
    since: "2030-01-01T00:00:00.000Z",
    parts,
    started: false,
    left: 2,
    keep: 0,
    tolerated: [],
    keepData: false,
    reason: undefined,
    ...more,
  };
}
