import type { GenerationFacts } from "../tools/generation/generation-facts.ts";
import { linkedVersions } from "../tools/generation/generation-links.ts";
import {
  changedVersions,
  changeGeneration,
  failTrial,
  type Part,
  partsOf,
  setTrialAside,
  type Trial,
} from "../tools/generation/trial.ts";
import type { Host } from "../tools/host/host.ts";
import { COMPONENTS, type Component } from "../tools/host/paths.ts";
import { timeStamp } from "../tools/host/time-stamp.ts";
import { CommandError } from "../tools/text/errors.ts";

/** The action of a rollback. */
export type RollbackPlan =
  /** The generation on trial fails by command: the next boot reverts it, and it is recorded as failed. */
  | { readonly kind: "fail-trial"; readonly trial: Trial }
  /** The previous generation becomes current, and the current one previous. */
  | {
      readonly kind: "swap";
      readonly parts: readonly Part[];
      /** Why the renamed record of a change is invalid. */
      readonly damage: unknown;
    };

/** Plans the return to the previous generation. Pure. Throws CommandError if there is none. */
export function planRollback(facts: GenerationFacts): RollbackPlan {
  const { trial, links, damage } = facts;
  if (trial?.kind === "upgrade" && trial.state !== "switching") return { kind: "fail-trial", trial };
  const parts = partsOf(links, previousVersions(facts));
  if (parts.some(({ from, to }) => from !== to)) return { kind: "swap", parts, damage: damage.trial };
  throw new CommandError("There are no previous versions to go back to");
}

/**
 * The previous versions: from the links or, since the original's scripts make none, the newest existing versions
 * besides the current one.
 */
function previousVersions({
  links,
  versions,
}: Pick<GenerationFacts, "links" | "versions">): Partial<Record<Component, string>> {
  const linked = linkedVersions(links, "previous");
  if (Object.keys(linked).length > 0) return linked;
  const others = COMPONENTS.map((component) => {
    return [component, versions[component].findLast((name) => name !== links[component].current)];
  });
  return Object.fromEntries(others.filter(([, version]) => version !== undefined));
}

/** Applies the plan; the versions take effect at the next boot. */
export function applyRollback(
  system: string,
  plan: RollbackPlan,
  { keepData }: { readonly keepData: boolean },
  host: Pick<Host, "log" | "clock">,
): void {
  if (plan.kind === "fail-trial") {
    const trial = { ...plan.trial, keepData: keepData || plan.trial.keepData };
    failTrial(system, trial, 'taken back by "k3os rollback"', host);
    return;
  }
  if (plan.damage !== undefined) setTrialAside(system, plan.damage, host);
  const since = timeStamp(host);
  changeGeneration(
    system,
    { kind: "rollback", since, parts: plan.parts, keep: 0, tolerated: [], keepData },
    host,
  );
}

/** One line per changed component: `k3os v2 → v1`. */
export function describeRollback(plan: RollbackPlan): string[] {
  if (plan.kind === "swap") {
    return plan.parts.flatMap(({ component, from, to }) =>
      from === to ? [] : [`${component} ${from} → ${to}`],
    );
  }
  const { parts } = plan.trial;
  return Object.keys(changedVersions(parts)).map((name) => {
    const part = parts.find(({ component }) => component === name);
    return `${name} ${part?.to} → ${part?.from}`;
  });
}
