import type { GenerationFacts, Records } from "../tools/generation/generation-facts.ts";
import { type Links, linkedVersions } from "../tools/generation/generation-links.ts";
import { findQuarantined } from "../tools/generation/quarantine.ts";
import type { Part as StagedPart } from "../tools/generation/stage.ts";
import { changedVersions, describeVersions, partsOf, type Trial } from "../tools/generation/trial.ts";
import type { Component } from "../tools/host/paths.ts";
import { CommandError } from "../tools/text/errors.ts";

export interface SwitchOptions {
  /** Also install a version that failed here before, even while another is on trial. */
  readonly force: boolean;
  /** The number of versions of each component to keep besides current and previous. */
  readonly keep: number;
  /** Keep the datastore of k3s when the upgrade is reverted. */
  readonly keepData: boolean;
}

/** The facts about the system to upgrade. */
export interface SwitchFacts extends GenerationFacts {
  /** The running system could not apply its configuration. */
  readonly applyFailed: boolean;
}

/** The steps that make versions current, in order. */
export interface SwitchPlan {
  /** Records to rename. */
  readonly damage: Records["damage"];
  /** An unfinished change: its links are reverted, or only its record is removed. */
  readonly unfinished: { readonly kind: "revert" | "forget"; readonly trial: Trial } | undefined;
  /** The change that goes on trial; undefined if the versions are already current. */
  readonly change: Pick<Trial, "parts" | "keep" | "tolerated" | "keepData"> | undefined;
}

/**
 * Plans how existing versions become current on trial, all or none. Pure: it only depends on its arguments. Throws
 * CommandError as {@link refuseSwitch} does.
 */
export function planSwitch(
  facts: SwitchFacts,
  staged: readonly StagedPart[],
  { force, keep, keepData }: SwitchOptions,
): SwitchPlan {
  refuseSwitch(facts, staged, { force });
  const { damage, links, trial, applyFailed } = facts;
  const isCurrent = staged.every(({ component, version }) => links[component].current === version);
  if (isCurrent && trial?.state !== "switching") return { damage, unfinished: undefined, change: undefined };
  const unfinished = trial && ({ kind: isTakenBack(trial) ? "revert" : "forget", trial } as const);
  const before = unfinished?.kind === "revert" ? revertedLinks(facts, unfinished.trial) : links;
  const parts = partsOf(before, { ...waitingVersions(trial), ...toRecord(staged) });
  if (parts.every(({ from, to }) => from === to)) return { damage, unfinished, change: undefined };
  const tolerated = applyFailed ? ["configuration"] : [];
  return { damage, unfinished, change: { parts, keep, tolerated, keepData } };
}

/**
 * Throws CommandError if these versions must not become current: they failed here before, or another upgrade is on
 * trial. Call it also before any download or copy.
 */
export function refuseSwitch(
  { trial, links, quarantine }: Pick<GenerationFacts, "trial" | "links" | "quarantine">,
  parts: readonly StagedPart[],
  { force }: Pick<SwitchOptions, "force">,
): void {
  if (force) return;
  if (trial?.state === "trial" && trial.kind === "upgrade" && trial.started) {
    const names = Object.values(changedVersions(trial.parts)).join(", ");
    throw new CommandError(`An upgrade to ${names} is on trial since ${trial.since}`, {
      hint: 'wait until it is healthy, undo it with "k3os rollback", or use --force',
    });
  }
  const versions = { ...linkedVersions(links, "current"), ...toRecord(parts) };
  const failed = findQuarantined(quarantine, versions);
  if (failed === undefined) return;
  const names = describeVersions(failed.versions);
  throw new CommandError(`${names} failed here on ${failed.at}: ${failed.reason}`, {
    hint: "to retry it, use --force",
  });
}

/** A generation that was never healthy is not a useful rollback target: the links lead to the generation before it. */
function isTakenBack({ kind, state }: Trial): boolean {
  return kind === "upgrade" || state === "switching";
}

/** The versions of an upgrade that no boot has tried yet: another upgrade before the reboot is added to it. */
function waitingVersions(trial: Trial | undefined): Partial<Record<Component, string>> {
  const waits = trial?.state === "trial" && trial.kind === "upgrade" && !trial.started;
  return waits ? changedVersions(trial.parts) : {};
}

/** The links after the reversion of a change, as far as its old versions still exist. */
function revertedLinks(
  { links, versions }: Pick<GenerationFacts, "links" | "versions">,
  { parts }: Pick<Trial, "parts">,
): Links {
  const linksOf = (component: Component) => {
    const part = parts.find((one) => one.component === component);
    if (part === undefined) return links[component];
    const present = (name: string | undefined) => versions[component].find((version) => version === name);
    return { current: present(part.from), previous: present(part.previous) };
  };
  return { k3os: linksOf("k3os"), k3s: linksOf("k3s"), kernel: linksOf("kernel") };
}

function toRecord(parts: readonly StagedPart[]): Partial<Record<Component, string>> {
  return Object.fromEntries(parts.map(({ component, version }) => [component, version]));
}
