import { existsSync, readdirSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { readGenerations } from "../tools/generation/generation-facts.ts";
import { linkedVersions } from "../tools/generation/generation-links.ts";
import type { Quarantined } from "../tools/generation/quarantine.ts";
import { describeVersions } from "../tools/generation/trial.ts";
import type { Host } from "../tools/host/host.ts";
import { type Component, inRoot, PATH } from "../tools/host/paths.ts";
import { runningMode } from "../tools/node/running-mode.ts";
import { runningVersion } from "../tools/node/running-version.ts";
import { readUpgradeJob } from "../tools/node/upgrade-job.ts";
import { messageOf } from "../tools/text/errors.ts";
import { labelled } from "../tools/text/wrap.ts";

type Versions = Readonly<Partial<Record<Component, string>>>;

/** The output of `k3os status --json`. */
export interface Status {
  /** `local`, `live`, `install`, `shell`; undefined outside of k3OS. */
  readonly mode: string | undefined;
  /** The running versions. */
  readonly running: { readonly k3os: string; readonly kernel: string };
  /** The versions of the next boot, if nothing fails. */
  readonly current: Versions;
  readonly previous: Versions;
  readonly available: Readonly<Record<Component, readonly string[]>>;
  /** An unfinished change. */
  readonly trial: { readonly state: string; readonly kind: string; readonly since: string } | undefined;
  /** The failed generations of this machine, the latest last. */
  readonly failed: readonly Quarantined[];
  /** The unreadable records, with the reasons. */
  readonly damaged: readonly string[];
  /** Log files of failed boots. */
  readonly logs: readonly string[];
  /** The latest job of a Plan, if it failed. */
  readonly failedJob: FailedJob | undefined;
}

export interface FailedJob {
  readonly plan: string;
  readonly version: string;
  readonly reason: string;
  /** RFC 3339. */
  readonly at: string;
  /** No further try follows. */
  readonly isOver: boolean;
}

/** Reads the running, next and failed versions. Needs no root. */
export function readStatus(host: Pick<Host, "root">): Status {
  const system = inRoot(host, PATH.system);
  const { trial, quarantine, damage, links, versions } = readGenerations(system);
  const damaged = [damage.trial, damage.quarantine]
    .filter((problem) => problem !== undefined)
    .map((error) => messageOf(error));
  const failures = inRoot(host, PATH.failures);
  return {
    mode: runningMode(host),
    running: { k3os: runningVersion(host), kernel: release() },
    current: linkedVersions(links, "current"),
    previous: linkedVersions(links, "previous"),
    available: versions,
    trial: trial && { state: trial.state, kind: trial.kind, since: trial.since },
    failed: quarantine,
    damaged,
    failedJob: orDamaged(() => failedJob(host), damaged),
    logs: orDamaged(() => namesIn(failures), damaged)?.map((name) => join(PATH.failures, name)) ?? [],
  };
}

/** The job of a Plan that has failed, and was not followed by another. */
function failedJob(host: Pick<Host, "root">): FailedJob | undefined {
  const job = readUpgradeJob(host);
  if (job?.failure === undefined) return undefined;
  const { plan, version, failure, settled } = job;
  return { plan, version, ...failure, isOver: settled !== undefined };
}

function namesIn(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}

function orDamaged<T>(read: () => T, damaged: string[]): T | undefined {
  try {
    return read();
  } catch (error) {
    damaged.push(messageOf(error));
    return undefined;
  }
}

/** The status of the versions for the user. */
export function describeStatus(status: Status): string {
  const { mode, running, current, previous, trial, failed, damaged, logs, failedJob } = status;
  const rows: [string, string][] = [
    ["Mode", mode ?? "not k3OS"],
    ["Running", `k3os ${running.k3os}, kernel ${running.kernel}`],
    ["Current", versionsOrNone(current)],
    ["Previous", versionsOrNone(previous)],
  ];
  if (trial !== undefined) rows.push(["Change", `${trial.kind}, ${trial.state}, since ${trial.since}`]);
  for (const { versions, reason, at } of failed) {
    rows.push(["Failed", `${describeVersions(versions)} on ${at}: ${reason}`]);
  }
  if (failedJob !== undefined) {
    const { plan, version, reason, at, isOver } = failedJob;
    const next = isOver ? ". Its next try is the Plan's next version" : "";
    rows.push(["Plan", `${plan} failed to bring ${version} on ${at}: ${reason}${next}`]);
  }
  for (const problem of damaged) rows.push(["Damaged", problem]);
  if (logs.length > 0) rows.push(["Logs", logs.join(" ")]);
  return labelled(rows);
}

function versionsOrNone(versions: Versions): string {
  return describeVersions(versions) || "none";
}
