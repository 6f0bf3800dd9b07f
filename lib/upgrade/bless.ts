import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { writeFileAtomic } from "../tools/fs/atomic.ts";
import { readGenerations, readRecords, warnOfDamage } from "../tools/generation/generation-facts.ts";
import {
  changedVersions,
  describeVersions,
  failTrial,
  finishTrial,
  type Trial,
} from "../tools/generation/trial.ts";
import { cmd } from "../tools/host/cmd.ts";
import { inRoot, PATH } from "../tools/host/paths.ts";
import { recordOutcome } from "../tools/node/applied.ts";
import { messageOf } from "../tools/text/errors.ts";
import { renewMenu } from "./boot-menu.ts";
import { findFaults, type HealthHost, trialChecks, waitForHealth } from "./health-checks.ts";
import { prune } from "./switch.ts";
import { writable } from "./writable.ts";

/**
 * Keeps the generation on trial if the machine becomes healthy; otherwise a reboot reverts it.
 * Returns the problems, or an empty list if there are none; undefined if no generation is on trial, or another one by
 * now.
 */
export async function judgeTrial(deadline: number, host: HealthHost): Promise<string[] | undefined> {
  const system = inRoot(host, PATH.system);
  const records = readRecords(system);
  warnOfDamage(records, ["trial"], host);
  const { trial } = records;
  if (trial?.state !== "trial" || trial.kind !== "upgrade") return undefined;
  const waited = await waitForHealth(deadline, host, trialChecks({ last: false }));
  const faults = waited.length === 0 ? [] : await findFaults(host, trialChecks({ last: true }));
  await using _writable = await writable(system, host);
  if (!isStillOnTrial(trial, system)) {
    host.log.warn("The versions on trial were changed meanwhile: the next boot judges the new ones");
    return undefined;
  }
  if (faults.length === 0) {
    finishTrial(system, host);
    rememberApplied(host);
    host.log.info(`${describeVersions(changedVersions(trial.parts))}: healthy, and kept from now on`);
    await renewMenu(host).catch((error: unknown) => host.log.warn(messageOf(error)));
    prune(system, readGenerations(system), trial.keep, host); // of the current facts: the health checks take minutes
    return [];
  }
  await keepJournal(trial, host);
  failTrial(system, trial, faults.join("; "), host);
  return faults;
}

/**
 * Whether the record is still that of the checked change: an upgrade with --force or a rollback may have replaced it.
 */
function isStillOnTrial({ since, parts }: Trial, system: string): boolean {
  const { trial } = readRecords(system);
  return trial?.since === since && isDeepStrictEqual(trial.parts, parts);
}

/** From now on new versions must achieve the same results as this one. */
function rememberApplied(host: HealthHost): void {
  try {
    recordOutcome(host);
  } catch (error) {
    host.log.warn(`Cannot record the result of the configuration: ${messageOf(error)}`);
  }
}

/** Keeps the journal of the services for later diagnosis. */
async function keepJournal(trial: Trial, host: HealthHost): Promise<void> {
  const directory = inRoot(host, PATH.failures);
  const [version = "unknown"] = Object.values(changedVersions(trial.parts));
  try {
    mkdirSync(directory, { recursive: true });
    const { stdout } = await host.run(cmd`journalctl --boot --no-pager --lines 5000`, {
      timeout: 60_000,
    });
    writeFileAtomic(join(directory, `${version}.journal.log`), stdout, { mode: 0o600 });
  } catch (error) {
    host.log.warn(`Cannot keep the journal: ${messageOf(error)}`);
  }
}
