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
 * Decides which generation a start of this machine runs, before anything of it is used, and brings the links to it:
 * a change that was interrupted is taken back; one on trial is started, as often as it may; one that failed gives way
 * to the generation before, and is noted, with its reason. `root` is the state file system, mounted to be written to.
 * To go back needs no free block and no record that can be read; to go on needs a start that was counted.
 * Returns true if the running kernel is not that of the generation, so that the machine has to restart. Throws NoWayBack
 * where the links cannot be changed.
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
  // GRUB would start this kernel again and again where it cannot be told that nothing is on trial any more
  return choice !== "fallback" || (menuCounts(system) && startsLeft(system) === undefined);
}

/** The link by which GRUB has started the kernel; other boot loaders know only the one. */
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
  // a start that nothing depends on but the versions themselves reads no more: what is damaged does not stop it
  const links = trial === undefined && choice !== "previous" ? undefined : readLinks(system);
  applyStart(root, planStart(trial, links, choice), host);
}

function applyStart(root: string, plan: StartPlan, host: BootHost): void {
  const system = join(root, PATH.system);
  switch (plan.kind) {
    case "take-back":
      host.log.warn("A change of version was interrupted: the versions before it stay");
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

/** Where the start cannot be counted or the datastore cannot be kept, there is no trial: it might never end. */
function tryGeneration(root: string, trial: Trial, host: BootHost): void {
  const system = join(root, PATH.system);
  // counted before anything that may fail, whether or not the boot menu counts too: that may be unable to write
  const counted = { ...trial, left: trial.left - 1 };
  host.log.info(`Trying ${describeVersions(changedVersions(trial.parts))}`);
  try {
    writeTrial(system, counted);
  } catch (error) {
    fallBack(root, trial, `its start could not be counted: ${messageOf(error)}`, host);
    return;
  }
  if (trial.started) return; // what was there before the first start is kept already
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
  if (isOutdated) host.log.warn("The record of a change is older than the links: it does not count any more");
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

/** Brings the generation before back. What is only noted comes last, and is no hindrance. */
function fallBack(root: string, trial: Trial, reason: string, host: BootHost): void {
  const system = join(root, PATH.system);
  const data = join(root, "k3os/data");
  const versions = changedVersions(trial.parts);
  host.log.error(`${describeVersions(versions)} failed: ${reason}. The versions before are started`);
  // a start that finds some links changed goes on from here
  noteTrial(system, { ...trial, state: "failed", reason }, host);
  // what was never started has changed nothing, and there is no copy of this upgrade to put back
  if (trial.started) bringDatastoreBack(data, trial, host);
  revertLinks(system, trial);
  bestEffort("What failed cannot be noted", host, () => {
    addQuarantined(system, { versions, reason, at: timeStamp(host) }, host);
  });
  bestEffort("The journal of the failed start cannot be kept", host, () => keepJournal(data, trial));
  forget(system, host);
}

/** What is left of the record says what the links say, too. */
function forget(system: string, host: BootHost): void {
  bestEffort("The record of the change cannot be removed", host, () => finishTrial(system, host));
}

/** A newer datastore is better than no start. */
function bringDatastoreBack(data: string, { parts, keepData }: Trial, host: BootHost): void {
  bestEffort("The datastore of k3s cannot be put back", host, () => {
    if (keepData) forgetDatastore(data, parts);
    else restoreDatastore(data, parts, host);
  });
}

/** The journal of the latest start, which failed, before this start's takes its place. */
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
