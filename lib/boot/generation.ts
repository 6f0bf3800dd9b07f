import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../errors.ts";
import { linkedVersion, linkedVersions } from "../generation/links.ts";
import {
  addQuarantined,
  changedVersions,
  changeGeneration,
  describeVersions,
  finishTrial,
  partsOf,
  readTrial,
  revertGeneration,
  type Trial,
  writeTrial,
} from "../generation/trial.ts";
import { PATH } from "../paths.ts";
import { timeStamp } from "../time-stamp.ts";
import { forgetDatastore, restoreDatastore, snapshotDatastore } from "./datastore.ts";
import type { BootHost } from "./host.ts";
import { JOURNAL_DIRECTORY } from "./journal.ts";
import type { MenuChoice } from "./mode.ts";

/**
 * Decides which generation a start of this machine runs, before anything of it is used, and brings the links to it:
 * a change that was interrupted is taken back; one on trial is started, as often as it may; one that failed gives way
 * to the generation before, and is noted, with its reason. `root` is the state file system, mounted to be written to.
 * Returns true if the running kernel is not that of the generation, so that the machine has to restart.
 */
export function settleGeneration(root: string, choice: MenuChoice | undefined, host: BootHost): boolean {
  const system = join(root, PATH.system);
  let trial: Trial | undefined;
  try {
    trial = readTrial(system);
  } catch (error) {
    host.log.error(`${messageOf(error)}: what is current is started`);
    return false;
  }
  if (trial === undefined) return settleWithout(root, choice, host);
  if (isStale(system, trial)) {
    host.log.warn("The record of a change is older than the links: it does not count any more");
    finishTrial(system, host);
    return settleWithout(root, choice, host);
  }
  if (trial.state === "switching") {
    host.log.warn("A change of version was interrupted: the versions before it stay");
    revertGeneration(system, trial, host);
    return isOtherKernel(trial, choice);
  }
  if (trial.kind === "rollback") {
    const returned = mirrored(trial);
    if (trial.keepData) forgetDatastore(join(root, "k3os/data"), returned);
    else restoreDatastore(join(root, "k3os/data"), returned, host);
    finishTrial(system, host);
    return false;
  }
  const reason = failureOf(trial, choice);
  if (reason !== undefined) return fallBack(root, trial, reason, choice, host);
  // counted before anything that may fail
  const counted = { ...trial, left: trial.left - (choice === undefined ? 1 : 0) };
  writeTrial(system, counted);
  host.log.info(`Trying ${describeVersions(changedVersions(trial.parts))}`);
  if (trial.started) return false; // what was there before the first start is kept already
  try {
    snapshotDatastore(join(root, "k3os/data"), trial.parts, host);
  } catch (error) {
    const why = `the datastore of k3s could not be kept: ${messageOf(error)}`;
    return fallBack(root, counted, why, choice, host);
  }
  writeTrial(system, { ...counted, started: true });
  return false;
}

/** Others have changed the links since: a version that knows nothing of records ran in between. */
function isStale(system: string, { state, parts }: Trial): boolean {
  if (state === "switching") return false;
  return parts.some(({ component, to }) => linkedVersion(system, component, "current") !== to);
}

/** The entry "Previous" of the boot menu, when nothing is on trial, is the same as a rollback by command. */
function settleWithout(root: string, choice: MenuChoice | undefined, host: BootHost): boolean {
  const system = join(root, PATH.system);
  if (choice === "fallback") finishTrial(system, host); // the menu counted for a change that is long over
  if (choice !== "previous") return false;
  const parts = partsOf(system, linkedVersions(system, "previous"));
  if (parts.every(({ from, to }) => from === to)) return false;
  host.log.info("The previous versions were chosen in the boot menu: they become current");
  const since = timeStamp(host);
  changeGeneration(system, { kind: "rollback", since, parts, keep: 0, tolerated: [], keepData: false }, host);
  return settleGeneration(root, choice, host);
}

function failureOf(trial: Trial, choice: MenuChoice | undefined): string | undefined {
  if (trial.state === "failed") return trial.reason ?? "it was found to be unhealthy";
  if (choice === "fallback") return "it was started, but never found healthy";
  if (choice === "previous")
    return "its kernel could not be started, or the boot menu's entry Previous was chosen";
  if (choice === undefined && trial.left <= 0) return "it was started, but never found healthy";
  return undefined;
}

function fallBack(
  root: string,
  trial: Trial,
  reason: string,
  choice: MenuChoice | undefined,
  host: BootHost,
): boolean {
  const system = join(root, PATH.system);
  const data = join(root, "k3os/data");
  const versions = changedVersions(trial.parts);
  host.log.error(`${describeVersions(versions)} failed: ${reason}. The versions before are started`);
  const at = timeStamp(host);
  addQuarantined(system, { versions, reason, at });
  keepJournal(data, trial, host);
  // what was never started has changed nothing, and there is no copy of this upgrade to put back
  if (trial.started && !trial.keepData) restoreDatastore(data, trial.parts, host);
  if (trial.started && trial.keepData) forgetDatastore(data, trial.parts);
  // from here on a start that finds some links changed goes on changing them
  writeTrial(system, { ...trial, state: "switching" });
  revertGeneration(system, trial, host);
  return isOtherKernel(trial, choice);
}

/** The journal of the latest start, which failed, before this start's takes its place. */
function keepJournal(data: string, trial: Trial, host: BootHost): void {
  const journal = join(data, JOURNAL_DIRECTORY, "boot.log");
  const [version = "unknown"] = Object.values(changedVersions(trial.parts));
  try {
    mkdirSync(join(data, PATH.failures), { recursive: true });
    if (existsSync(journal)) copyFileSync(journal, join(data, PATH.failures, `${version}.boot.log`));
  } catch (error) {
    host.log.warn(`The journal of the failed start cannot be kept: ${messageOf(error)}`);
  }
}

/** GRUB has chosen the kernel by the links as they were; the menu's fallback and "Previous" are the old kernel already. */
function isOtherKernel({ parts }: Trial, choice: MenuChoice | undefined): boolean {
  const kernel = parts.find(({ component }) => component === "kernel");
  return kernel !== undefined && kernel.from !== kernel.to && choice !== "fallback" && choice !== "previous";
}

/** The parts as seen from the other side: what is current now was the new one. */
function mirrored({ parts }: Trial): Trial["parts"] {
  return parts.flatMap((part) =>
    part.from === undefined ? [] : [{ ...part, from: part.to, to: part.from }],
  );
}
