import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { linkedVersions, pruneVersions } from "../tools/generation/generation-links.ts";
import { clearDamagedQuarantine, findQuarantined, recallQuarantine } from "../tools/generation/quarantine.ts";
import type { Part as StagedPart } from "../tools/generation/stage.ts";
import {
  changedVersions,
  changeGeneration,
  clearDamagedTrial,
  describeVersions,
  finishTrial,
  partsOf,
  recallTrial,
  revertGeneration,
} from "../tools/generation/trial.ts";
import type { Host } from "../tools/host/host.ts";
import type { Component } from "../tools/host/paths.ts";
import { timeStamp } from "../tools/host/time-stamp.ts";
import { CommandError, messageOf } from "../tools/text/errors.ts";
import { nameDisk } from "./boot-menu.ts";

export interface SwitchOptions {
  /** Also a version that failed here before, and while another is on trial. */
  readonly force: boolean;
  /** Versions of each component that stay besides current and previous. */
  readonly keep: number;
  /** The datastore of k3s is not changed back when the upgrade is. */
  readonly keepData: boolean;
}

/** Left by the service that applies the configuration, when that failed, until the next start. */
const APPLY_FAILED = "run/k3os/ccapply-failed";

/**
 * Throws CommandError if these versions must not become current: they failed here before, or another upgrade is on
 * trial. To be asked before anything is fetched or copied.
 */
export function refuseSwitch(
  system: string,
  parts: readonly StagedPart[],
  { force }: Pick<SwitchOptions, "force">,
  host: Pick<Host, "log">,
): void {
  if (force) return;
  const trial = recallTrial(system, host);
  if (trial?.state === "trial" && trial.kind === "upgrade" && trial.started) {
    const names = Object.values(changedVersions(trial.parts)).join(", ");
    throw new CommandError(`An upgrade to ${names} is on trial since ${trial.since}`, {
      hint: 'wait until it is found healthy, take it back with "k3os rollback", or use --force',
    });
  }
  const versions = { ...linkedVersions(system, "current"), ...toRecord(parts) };
  const failed = findQuarantined(recallQuarantine(system, host), versions);
  if (failed === undefined) return;
  const names = describeVersions(failed.versions);
  throw new CommandError(`${names} failed here on ${failed.at}: ${failed.reason}`, {
    hint: "to try it again: --force",
  });
}

/**
 * Makes versions current, on trial: all or none. Returns false if they are current already. Throws CommandError as
 * {@link refuseSwitch} does.
 */
export function switchGeneration(
  system: string,
  staged: readonly StagedPart[],
  options: SwitchOptions,
  host: Pick<Host, "log" | "clock">,
): boolean {
  clearDamagedTrial(system, host);
  clearDamagedQuarantine(system, host);
  refuseSwitch(system, staged, options, host);
  const current = linkedVersions(system, "current");
  if (
    staged.every(({ component, version }) => current[component] === version) &&
    !isInterrupted(system, host)
  )
    return false;
  const waiting = waitingVersions(system, host);
  takeBackUnfinished(system, host);
  const parts = partsOf(system, { ...waiting, ...toRecord(staged) });
  if (parts.every(({ from, to }) => from === to)) return false;
  const root = dirname(dirname(system));
  const tolerated = existsSync(join(root, APPLY_FAILED)) ? ["configuration"] : [];
  const since = timeStamp(host);
  const { keep, keepData } = options;
  try {
    nameDisk(root, host);
  } catch (error) {
    host.log.warn(`The boot menu stays as it is: ${messageOf(error)}`);
  }
  changeGeneration(system, { kind: "upgrade", since, parts, keep, tolerated, keepData }, host);
  return true;
}

/** What an upgrade has brought that no start has tried yet: another one before the restart joins it. */
function waitingVersions(system: string, host: Pick<Host, "log">): Partial<Record<Component, string>> {
  const trial = recallTrial(system, host);
  const waits = trial?.state === "trial" && trial.kind === "upgrade" && !trial.started;
  return waits ? changedVersions(trial.parts) : {};
}

function isInterrupted(system: string, host: Pick<Host, "log">): boolean {
  return recallTrial(system, host)?.state === "switching";
}

/** What was never found healthy is not what anybody wants to go back to: the links lead to what was before it. */
function takeBackUnfinished(system: string, host: Pick<Host, "log">): void {
  const trial = recallTrial(system, host);
  if (trial === undefined) return;
  if (trial.kind === "upgrade" || trial.state === "switching") revertGeneration(system, trial, host);
  else finishTrial(system, host);
}

/**
 * Makes room before an upgrade: what no link leads to goes, but the newest `keep`, the versions that are wanted, and those
 * of a change that is not finished.
 */
export function makeRoom(system: string, keep: number, host: Pick<Host, "log">): void {
  if (recallTrial(system, host) !== undefined) return;
  for (const name of pruneVersions(system, keep)) host.log.info(`Removed ${name}`);
}

function toRecord(parts: readonly StagedPart[]): Partial<Record<Component, string>> {
  return Object.fromEntries(parts.map(({ component, version }) => [component, version]));
}
