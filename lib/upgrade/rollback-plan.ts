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

/** What a rollback would do. */
export type RollbackPlan =
  /** The generation on trial fails by order: the next start changes it back, and it is noted as failed. */
  | { readonly kind: "fail-trial"; readonly trial: Trial }
  /** The generation before becomes current, and the current one the one before. */
  | {
      readonly kind: "swap";
      readonly parts: readonly Part[];
      /** Why the record of a change that is set aside cannot be understood. */
      readonly damage: unknown;
    };

/** Decides how to get to the generation before. Pure. Throws CommandError if there is none. */
export function planRollback(facts: GenerationFacts): RollbackPlan {
  const { trial, links, damage } = facts;
  if (trial?.kind === "upgrade" && trial.state !== "switching") return { kind: "fail-trial", trial };
  const parts = partsOf(links, previousVersions(facts));
  if (parts.some(({ from, to }) => from !== to)) return { kind: "swap", parts, damage: damage.trial };
  throw new CommandError("There are no previous versions to go back to");
}

/**
 * What ran before: what the links say, or where there is none, since the original's scripts leave none, the newest of the
 * versions that are there besides the current one.
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

/** Carries it out; the versions take effect at the next start of the machine. */
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

/** One line per component that changes: `k3os v2 → v1`. */
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
