import { existsSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../../tools/fs/atomic.ts";
import { readBounded } from "../../tools/fs/read-bounded.ts";
import { readRecords } from "../../tools/generation/generation-facts.ts";
import { linkedVersion, readLinks } from "../../tools/generation/generation-links.ts";
import { addQuarantined, setQuarantineAside } from "../../tools/generation/quarantine.ts";
import { menuCounts, startsLeft } from "../../tools/generation/start-count.ts";
import {
  changedVersions,
  changeGeneration,
  describeVersions,
  finishTrial,
  noteTrial,
  revertLinks,
  type Trial,
  writeTrial,
} from "../../tools/generation/trial.ts";
import { PATH } from "../../tools/host/paths.ts";
import { timeStamp } from "../../tools/host/time-stamp.ts";
import { messageOf } from "../../tools/text/errors.ts";
import type { BootHost } from "../boot-host.ts";
import { JOURNAL_DIRECTORY } from "../journal.ts";
import type { MenuChoice } from "../mode.ts";
import { NoWayBack } from "../no-way-back.ts";
import { forgetDatastore, restoreDatastore, resumeRestore, snapshotDatastore } from "./datastore.ts";
import { findTrial } from "./find-trial.ts";
import { planStart, type StartPlan } from "./plan-start.ts";

/**
 * Decides which generation this boot runs, before anything of it is used, and changes the links to it. An interrupted
 * change is reverted. A generation on trial is started while it has boots left. A failed generation is replaced by the
 * previous one, and recorded with the reason. `root` is the state file system, mounted writable. The fallback needs no
 * free block and no readable record; a trial needs a boot that was counted. Returns true if the running kernel is not
 * that of the generation, so the machine must reboot. Throws NoWayBack if the links cannot be changed.
 */
export function settleGeneration(root: string, choice: MenuChoice | undefined, host: BootHost): boolean {
  const system = join(root, PATH.system);
  const started = linkedVersion(system, "kernel", startedLink(choice));
  try {
    settle(root, choice, host);
  } catch (cause) {
    throw new NoWayBack("The versions to be started cannot be made current", { cause });
  }
  if (linkedVersion(system, "kernel", "current") === started) return false;
  // GRUB would always start this kernel again if it cannot learn that nothing is on trial any more
  return choice !== "fallback" || (menuCounts(system) && startsLeft(system) === undefined);
}

/** The link by which GRUB has started the kernel; other boot loaders only know `current`. */
function startedLink(choice: MenuChoice | undefined): "current" | "previous" {
  return choice === "fallback" || choice === "previous" ? "previous" : "current";
}

function settle(root: string, choice: MenuChoice | undefined, host: BootHost): void {
  const system = join(root, PATH.system);
  const data = join(root, "k3os/data");
  bestEffort("A restoration of the datastore cannot be finished", host, () => resumeRestore(data));
  const records = readRecords(system);
  if (records.damage.quarantine !== undefined) setQuarantineAside(system, records.damage.quarantine, host);
  const trial = findTrial(root, records, choice, host);
  // without a change, a boot reads nothing but the versions: damaged links do not stop it
  const links = trial === undefined && choice !== "previous" ? undefined : readLinks(system);
  applyStart(root, planStart(trial, links, choice), host);
}

function applyStart(root: string, plan: StartPlan, host: BootHost): void {
  const system = join(root, PATH.system);
  switch (plan.kind) {
    case "take-back":
      host.log.warn("A change of version was interrupted: keeping the previous versions");
      revertLinks(system, plan.trial);
      forget(system, host);
      break;
    case "fall-back":
      fallBack(root, plan.trial, plan.reason, host);
      break;
    case "try":
      tryGeneration(root, plan.trial, host);
      break;
    case "finish-rollback":
      finishRollback(root, plan.trial, host);
      break;
    case "start":
      startCurrent(root, plan, host);
      break;
  }
}

/** If the boot cannot be counted or the datastore cannot be kept, there is no trial: it might never end. */
function tryGeneration(root: string, trial: Trial, host: BootHost): void {
  const system = join(root, PATH.system);
  // counted before any step that may fail, even if the boot menu counts too: it may be unable to write
  const counted = { ...trial, left: trial.left - 1 };
  host.log.info(`Trying ${describeVersions(changedVersions(trial.parts))}`);
  try {
    writeTrial(system, counted);
  } catch (error) {
    fallBack(root, trial, `its start could not be counted: ${messageOf(error)}`, host);
    return;
  }
  if (trial.started) return; // the state before the first boot is already kept
  const data = join(root, "k3os/data");
  try {
    snapshotDatastore(data, trial.parts, host);
    writeTrial(system, { ...counted, started: true });
  } catch (error) {
    bestEffort("The copy of the datastore stays", host, () => forgetDatastore(data, trial.parts));
    fallBack(root, counted, `the datastore of k3s could not be kept: ${messageOf(error)}`, host);
  }
}

function startCurrent(
  root: string,
  { isOutdated, isCounted, rollback: parts }: Extract<StartPlan, { kind: "start" }>,
  host: BootHost,
): void {
  const system = join(root, PATH.system);
  if (isOutdated) host.log.warn("The record of a change is older than the links: ignoring it");
  if (isOutdated || isCounted) forget(system, host);
  if (parts.length === 0) return;
  host.log.info("The previous versions were chosen in the boot menu: they become current");
  const rollback = { since: timeStamp(host), parts, keep: 0, tolerated: [], keepData: false };
  const trial = changeGeneration(system, { kind: "rollback", ...rollback }, host, noteTrial);
  finishRollback(root, trial, host);
}

function finishRollback(root: string, trial: Trial, host: BootHost): void {
  const returned = trial.parts.flatMap((part) => {
    return part.from === undefined ? [] : [{ ...part, from: part.to, to: part.from }];
  });
  bringDatastoreBack(join(root, "k3os/data"), { ...trial, parts: returned }, host);
  forget(join(root, PATH.system), host);
}

/** Restores the previous generation. The records come last, and their failures are only logged. */
function fallBack(root: string, trial: Trial, reason: string, host: BootHost): void {
  const system = join(root, PATH.system);
  const data = join(root, "k3os/data");
  const versions = changedVersions(trial.parts);
  host.log.error(`${describeVersions(versions)} failed: ${reason}. Booting the previous versions`);
  // after an interruption, the next boot continues from here
  noteTrial(system, { ...trial, state: "failed", reason }, host);
  // a generation that was never started has changed nothing, and this upgrade has no copy to restore
  if (trial.started) bringDatastoreBack(data, trial, host);
  revertLinks(system, trial);
  bestEffort("What failed cannot be noted", host, () => {
    addQuarantined(system, { versions, reason, at: timeStamp(host) }, host);
  });
  bestEffort("The journal of the failed start cannot be kept", host, () => keepJournal(data, trial));
  forget(system, host);
}

/** A record that cannot be removed does no harm: it agrees with the links. */
function forget(system: string, host: BootHost): void {
  bestEffort("The record of the change cannot be removed", host, () => finishTrial(system, host));
}

/** A newer datastore is better than no boot. */
function bringDatastoreBack(data: string, { parts, keepData }: Trial, host: BootHost): void {
  bestEffort("The datastore of k3s cannot be put back", host, () => {
    if (keepData) forgetDatastore(data, parts);
    else restoreDatastore(data, parts, host);
  });
}

/** The journal of the latest, failed boot, before this boot's journal takes its place. */
function keepJournal(data: string, trial: Trial): void {
  const journal = join(data, JOURNAL_DIRECTORY, "boot.log");
  const [version = "unknown"] = Object.values(changedVersions(trial.parts));
  if (!existsSync(journal)) return;
  const kept = join(data, PATH.failures, `${version}.boot.log`);
  writeFileAtomic(kept, readBounded(journal), { mode: 0o640, parents: true });
}

function bestEffort(problem: string, host: Pick<BootHost, "log">, action: () => void): void {
  try {
    action();
  } catch (error) {
    host.log.warn(`${problem}: ${messageOf(error)}`);
  }
}
