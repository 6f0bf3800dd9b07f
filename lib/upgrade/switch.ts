import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { type GenerationFacts, readGenerations } from "../tools/generation/generation-facts.ts";
import { planPrune, removeVersions } from "../tools/generation/prune.ts";
import { setQuarantineAside } from "../tools/generation/quarantine.ts";
import type { Part as StagedPart } from "../tools/generation/stage.ts";
import { changeGeneration, forgetTrial, revertGeneration, setTrialAside } from "../tools/generation/trial.ts";
import type { Host } from "../tools/host/host.ts";
import { timeStamp } from "../tools/host/time-stamp.ts";
import { messageOf } from "../tools/text/errors.ts";
import { nameDisk } from "./boot-menu.ts";
import { planSwitch, type SwitchFacts, type SwitchOptions, type SwitchPlan } from "./switch-plan.ts";

/** The marker of a failed service that applies the configuration, until the next boot. */
const APPLY_FAILED = "run/k3os/ccapply-failed";

/**
 * Makes versions current on trial, all or none. It reads the facts again, since a download may have taken hours.
 * Returns false if they are already current. Throws CommandError as {@link planSwitch} does.
 */
export function switchGeneration(
  system: string,
  staged: readonly StagedPart[],
  options: SwitchOptions,
  host: Pick<Host, "log" | "clock">,
): boolean {
  const plan = planSwitch(readSwitchFacts(system), staged, options);
  applySwitch(system, plan, host);
  return plan.change !== undefined;
}

function readSwitchFacts(system: string): SwitchFacts {
  const applyFailed = existsSync(join(rootOf(system), APPLY_FAILED));
  return { ...readGenerations(system), applyFailed };
}

/**
 * Applies a plan. After an interruption at any time, a boot finds one generation or the other, and the next switch
 * succeeds.
 */
export function applySwitch(
  system: string,
  { damage, unfinished, change }: SwitchPlan,
  host: Pick<Host, "log" | "clock">,
): void {
  if (damage.trial !== undefined) setTrialAside(system, damage.trial, host);
  if (damage.quarantine !== undefined) setQuarantineAside(system, damage.quarantine, host);
  if (unfinished?.kind === "revert") revertGeneration(system, unfinished.trial, host);
  else if (unfinished?.kind === "forget") forgetTrial(system, host);
  if (change === undefined) return;
  const since = timeStamp(host);
  try {
    nameDisk(rootOf(system), host);
  } catch (error) {
    host.log.warn(`The boot menu stays as it is: ${messageOf(error)}`);
  }
  changeGeneration(system, { kind: "upgrade", since, ...change }, host);
}

/** The root file system of a system directory `ROOT/k3os/system`. */
function rootOf(system: string): string {
  return dirname(dirname(system));
}

/**
 * Frees space before an upgrade: removes versions without a link, except the newest `keep`, the requested versions, and
 * those of an unfinished change.
 */
export function makeRoom(
  system: string,
  facts: GenerationFacts,
  keep: number,
  host: Pick<Host, "log">,
): void {
  if (facts.trial === undefined) prune(system, facts, keep, host);
}

/** Removes the versions that are not kept, and logs it. */
export function prune(system: string, facts: GenerationFacts, keep: number, host: Pick<Host, "log">): void {
  const names = planPrune(facts, keep);
  removeVersions(system, names);
  for (const name of names) host.log.info(`Removed ${name}`);
}
