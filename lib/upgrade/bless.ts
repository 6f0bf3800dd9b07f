import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../atomic.ts";
import { messageOf } from "../errors.ts";
import { pruneVersions } from "../generation/links.ts";
import {
  changedVersions,
  describeVersions,
  failTrial,
  finishTrial,
  readTrial,
  type Trial,
} from "../generation/trial.ts";
import { inRoot, PATH } from "../paths.ts";
import { renewMenu } from "./boot-menu.ts";
import { HEALTH_CHECKS, type HealthHost, waitForHealth } from "./health.ts";
import { writable } from "./writable.ts";

/** Milliseconds until a new generation must have been found healthy. */
export const DEADLINE = 600_000;

/**
 * Keeps the generation that runs on trial if the machine becomes healthy with it; else has it changed back by a restart.
 * Returns what was wrong, or nothing if all is well; undefined if nothing is on trial.
 */
export async function judgeTrial(deadline: number, host: HealthHost): Promise<string[] | undefined> {
  const system = inRoot(host, PATH.system);
  const trial = readTrial(system);
  if (trial?.state !== "trial" || trial.kind !== "upgrade") return undefined;
  const checks = HEALTH_CHECKS.filter(({ name }) => !trial.tolerated.includes(name));
  const faults = await waitForHealth(deadline, host, checks);
  await using _writable = await writable(system, host);
  if (faults.length === 0) {
    finishTrial(system, host);
    host.log.info(`${describeVersions(changedVersions(trial.parts))}: healthy, and kept from now on`);
    await renewMenu(host).catch((error: unknown) => host.log.warn(messageOf(error)));
    for (const name of pruneVersions(system, trial.keep)) host.log.info(`Removed ${name}`);
    return [];
  }
  await keepJournal(trial, host);
  failTrial(system, trial, faults.join("; "), host);
  return faults;
}

/** What the services said, for whoever looks for the reason afterwards. */
async function keepJournal(trial: Trial, host: HealthHost): Promise<void> {
  const directory = inRoot(host, PATH.failures);
  const [version = "unknown"] = Object.values(changedVersions(trial.parts));
  try {
    mkdirSync(directory, { recursive: true });
    const { stdout } = await host.run(["journalctl", "--boot", "--no-pager", "--lines", "5000"], {
      timeout: 60_000,
    });
    writeFileAtomic(join(directory, `${version}.journal.log`), stdout, { mode: 0o600 });
  } catch (error) {
    host.log.warn(`The journal cannot be kept: ${messageOf(error)}`);
  }
}
