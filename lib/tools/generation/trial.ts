import { rmSync } from "node:fs";
import { join } from "node:path";
import { flushDirectory, writeFileAtomic } from "../fs/atomic.ts";
import { isFields, keepDamaged, readRecord } from "../fs/record.ts";
import type { Host } from "../host/host.ts";
import { COMPONENTS, type Component } from "../host/paths.ts";
import { checkVersion } from "../release/version-name.ts";
import { CommandError, messageOf } from "../text/errors.ts";
import { type Links, setLinks } from "./generation-links.ts";
import { countStarts, STARTS } from "./start-count.ts";

/**
 * A generation is the set of the current versions of k3os, k3s and the kernel. A change affects several links, which
 * cannot change in one step; this record makes the change atomic. Below `/k3os/system`.
 */
export const TRIAL_FILE = "trial.json";

/** The old links of a component, and its new current version. Unchanged versions are included. */
export interface Part {
  readonly component: Component;
  /** Undefined: the component did not exist. */
  readonly from: string | undefined;
  readonly to: string;
  /** The old target of `previous`. */
  readonly previous: string | undefined;
}

/** An unfinished change of the generation. */
export interface Trial {
  /**
   * `switching`: links are being changed; a later process reverts them. `trial`: the new generation waits for its boot,
   * or runs, and is not confirmed as healthy. `failed`: the next boot reverts it.
   */
  readonly state: "switching" | "trial" | "failed";
  readonly kind: "upgrade" | "rollback";
  /** RFC 3339. */
  readonly since: string;
  readonly parts: readonly Part[];
  /** The new generation has been booted at least once. */
  readonly started: boolean;
  /** The number of boots left, if no boot menu counts them. */
  readonly left: number;
  /** The number of versions to keep besides current and previous. */
  readonly keep: number;
  /**
   * Names of health checks that failed before the change, for versions that do not compare single entries
   * (lib/tools/node/applied.ts).
   */
  readonly tolerated: readonly string[];
  /** The datastore is kept when the version of k3s is reverted. */
  readonly keepData: boolean;
  /** Why it failed. */
  readonly reason: string | undefined;
}

/** The unfinished change of a system; undefined if there is none. Throws CommandError if the record is invalid. */
export function readTrial(system: string): Trial | undefined {
  return readRecord(join(system, TRIAL_FILE), checkTrial);
}

/** Fields that an earlier version did not write get the value that it used. */
function checkTrial(value: unknown): Trial {
  const fields = isFields(value) ? value : {};
  const { state, kind, parts, since = "", started = false, left = STARTS, keep = 0 } = fields;
  const { tolerated = [], keepData = false, reason } = fields;
  const known =
    (state === "switching" || state === "trial" || state === "failed") &&
    (kind === "upgrade" || kind === "rollback") &&
    [since, reason ?? ""].every((text) => typeof text === "string") &&
    [started, keepData].every((flag) => typeof flag === "boolean") &&
    [left, keep].every((count) => Number.isSafeInteger(count)) &&
    Array.isArray(tolerated);
  if (!known || !Array.isArray(parts)) throw new CommandError("it holds something else");
  const checked = { since, started, left, keep, tolerated, keepData, reason } as Omit<
    Trial,
    "state" | "kind" | "parts"
  >;
  return { ...checked, state, kind, parts: parts.map(checkPart) };
}

function checkPart(value: unknown): Part {
  const { component: name, from, to, previous } = isFields(value) ? value : {};
  const component = COMPONENTS.find((known) => known === name);
  if (component === undefined) throw new CommandError(`it names a component ${JSON.stringify(name)}`);
  const [before, after, earlier] = [from, to, previous].map((version) => {
    return version === undefined ? undefined : checkVersion(String(version));
  });
  if (after === undefined) throw new CommandError(`it names no version of ${component}`);
  return { component, from: before, to: after, previous: earlier };
}

/**
 * Renames an invalid record of a change, because of `problem`, so that a new one can be written.
 * Throws the errors of the file system.
 */
export function setTrialAside(system: string, problem: unknown, host: Pick<Host, "log">): void {
  const path = join(system, TRIAL_FILE);
  const kept = keepDamaged(path);
  rmSync(path, { force: true });
  host.log.warn(`${messageOf(problem)}: kept as "${kept}"`);
}

export function writeTrial(system: string, trial: Trial): void {
  writeFileAtomic(join(system, TRIAL_FILE), `${JSON.stringify(trial)}\n`);
}

/** {@link writeTrial} for a change that continues without the record, as on a full disk: a failure is only logged. */
export function noteTrial(system: string, trial: Trial, host: Pick<Host, "log">): void {
  try {
    writeTrial(system, trial);
  } catch (error) {
    host.log.warn(messageOf(error));
  }
}

/** The parts of a change, from the links and the new current versions. */
export function partsOf(links: Links, versions: Readonly<Partial<Record<Component, string>>>): Part[] {
  return COMPONENTS.flatMap((component) => {
    const { current: from, previous } = links[component];
    const to = versions[component] ?? from;
    return to === undefined ? [] : [{ component, from, to, previous }];
  });
}

/** Versions for messages: `k3os v2, kernel 6.3`. */
export function describeVersions(versions: Readonly<Partial<Record<Component, string>>>): string {
  return Object.entries(versions)
    .map(([component, version]) => `${component} ${version}`)
    .join(", ");
}

/** The new versions of a change. */
export function changedVersions(parts: readonly Part[]): Partial<Record<Component, string>> {
  const changed = parts.filter(({ from, to }) => from !== to);
  return Object.fromEntries(changed.map(({ component, to }) => [component, to]));
}

/**
 * Changes the generation of a system completely or not at all, even in a crash. The versions must exist and be flushed.
 * From here on the boot menu counts the boots of the new generation. `previous` of every part becomes the old current
 * version, so that together they are the previous generation. `write` may be {@link noteTrial}. Returns the record.
 */
export function changeGeneration(
  system: string,
  trial: Omit<Trial, "state" | "started" | "left" | "reason">,
  host: Pick<Host, "log">,
  write: typeof noteTrial = writeTrial,
): Trial {
  const record: Trial = { ...trial, state: "switching", started: false, left: STARTS, reason: undefined };
  write(system, record, host);
  // before the first link, so that the menu never boots the new generation without a limit
  countStarts(system, trial.kind === "upgrade" ? STARTS : undefined, host);
  setLinks(
    system,
    trial.parts.flatMap(({ component, from, to }) => [
      { component, name: "previous", version: from },
      { component, name: "current", version: to },
    ]),
  );
  const changed: Trial = { ...record, state: "trial" };
  write(system, changed, host);
  return changed;
}

/** Restores the links from before a change. Needs no free block. Throws the errors of the file system. */
export function revertLinks(system: string, { parts }: Pick<Trial, "parts">): void {
  setLinks(
    system,
    parts.flatMap(({ component, from, previous }) => [
      { component, name: "current", version: from },
      { component, name: "previous", version: previous },
    ]),
  );
}

/** {@link revertLinks}, then removes the record of the change, which was valid. */
export function revertGeneration(system: string, trial: Trial, host: Pick<Host, "log">): void {
  revertLinks(system, trial);
  forgetTrial(system, host);
}

/** Removes the valid record of a change: the current versions are kept. */
export function forgetTrial(system: string, host: Pick<Host, "log">): void {
  countStarts(system, undefined, host);
  rmSync(join(system, TRIAL_FILE), { force: true });
  flushDirectory(system);
}

/** {@link forgetTrial} for any state of the record: an invalid one is kept under another name. */
export function finishTrial(system: string, host: Pick<Host, "log">): void {
  countStarts(system, undefined, host);
  try {
    readTrial(system);
  } catch (problem) {
    setTrialAside(system, problem, host);
  }
  rmSync(join(system, TRIAL_FILE), { force: true });
  flushDirectory(system);
}

/**
 * Marks the change for reversion at the next boot. If the record cannot be written, as on a full disk, the boot menu
 * has the mark; and without a menu the next boot finds that it cannot be counted.
 */
export function failTrial(system: string, trial: Trial, reason: string, host: Pick<Host, "log">): void {
  countStarts(system, 0, host);
  noteTrial(system, { ...trial, state: "failed", reason }, host);
}
