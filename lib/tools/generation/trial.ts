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
 * A generation is what runs together: the current versions of k3os, k3s and the kernel. Changing it takes several links,
 * which cannot change in one step; this record makes one step of them. Below `/k3os/system`.
 */
export const TRIAL_FILE = "trial.json";

/** What a component's links were, and what its current version becomes. Versions that stay are in it, too. */
export interface Part {
  readonly component: Component;
  /** Undefined: the component was not there. */
  readonly from: string | undefined;
  readonly to: string;
  /** Where `previous` led to before. */
  readonly previous: string | undefined;
}

/** A change of the generation that is not finished. */
export interface Trial {
  /**
   * `switching`: links are being changed; whoever finds it changes them back. `trial`: the new generation is to be
   * started, or runs, and nobody has found it healthy. `failed`: it is to be changed back at the next start.
   */
  readonly state: "switching" | "trial" | "failed";
  readonly kind: "upgrade" | "rollback";
  /** RFC 3339. */
  readonly since: string;
  readonly parts: readonly Part[];
  /** The new generation has been started at least once. */
  readonly started: boolean;
  /** How often the new generation may still be started where no boot menu counts that. */
  readonly left: number;
  /** Versions besides current and previous that stay on the disk. */
  readonly keep: number;
  /** Names of health checks that failed before the change: for versions that compare no single entries (lib/tools/node/applied.ts). */
  readonly tolerated: readonly string[];
  /** The datastore stays as it is when the version of k3s is changed back. */
  readonly keepData: boolean;
  /** Why it failed. */
  readonly reason: string | undefined;
}

/** The unfinished change of a system; undefined if there is none. Throws CommandError if it cannot be understood. */
export function readTrial(system: string): Trial | undefined {
  return readRecord(join(system, TRIAL_FILE), checkTrial);
}

/** Fields that a version before ours did not write have the value that it went by. */
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
 * Sets a record of a change aside that cannot be understood, because of `problem`, so that another can take its place.
 * Throws what the file system does.
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

/** {@link writeTrial} where the change goes on without it, as on a full disk; that is only told. */
export function noteTrial(system: string, trial: Trial, host: Pick<Host, "log">): void {
  try {
    writeTrial(system, trial);
  } catch (error) {
    host.log.warn(messageOf(error));
  }
}

/** What the parts of a change are, given what the current versions are to become. */
export function partsOf(links: Links, wanted: Readonly<Partial<Record<Component, string>>>): Part[] {
  return COMPONENTS.flatMap((component) => {
    const { current: from, previous } = links[component];
    const to = wanted[component] ?? from;
    return to === undefined ? [] : [{ component, from, to, previous }];
  });
}

/** Versions for people: `k3os v2, kernel 6.3`. */
export function describeVersions(versions: Readonly<Partial<Record<Component, string>>>): string {
  return Object.entries(versions)
    .map(([component, version]) => `${component} ${version}`)
    .join(", ");
}

/** The versions that a change brings. */
export function changedVersions(parts: readonly Part[]): Partial<Record<Component, string>> {
  const changed = parts.filter(({ from, to }) => from !== to);
  return Object.fromEntries(changed.map(({ component, to }) => [component, to]));
}

/**
 * Changes the generation of a system, all parts or none, through a crash too: the versions must be there, flushed. The
 * boot menu counts the starts of the new one from here on. `previous` of every part becomes what was current, so that
 * together they are the generation before. `write` may be {@link noteTrial}. Returns the record.
 */
export function changeGeneration(
  system: string,
  trial: Omit<Trial, "state" | "started" | "left" | "reason">,
  host: Pick<Host, "log">,
  write: typeof noteTrial = writeTrial,
): Trial {
  const record: Trial = { ...trial, state: "switching", started: false, left: STARTS, reason: undefined };
  write(system, record, host);
  // before the first link: whatever the menu finds then, it does not start it for ever
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

/** Changes the links back to what they were before a change. Needs no free block. Throws what the file system does. */
export function revertLinks(system: string, { parts }: Pick<Trial, "parts">): void {
  setLinks(
    system,
    parts.flatMap(({ component, from, previous }) => [
      { component, name: "current", version: from },
      { component, name: "previous", version: previous },
    ]),
  );
}

/** {@link revertLinks}, and forgets the change, whose record was understood. */
export function revertGeneration(system: string, trial: Trial, host: Pick<Host, "log">): void {
  revertLinks(system, trial);
  forgetTrial(system, host);
}

/** Forgets a change whose record was understood: what is current now stays so. */
export function forgetTrial(system: string, host: Pick<Host, "log">): void {
  countStarts(system, undefined, host);
  rmSync(join(system, TRIAL_FILE), { force: true });
  flushDirectory(system);
}

/** {@link forgetTrial}, whatever the record has become: one that cannot be understood is kept under another name. */
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
 * Makes the change to be reverted at the next start. Where the record cannot be written, as on a full disk, the boot menu
 * knows it; and without a menu the next start finds that it cannot be counted.
 */
export function failTrial(system: string, trial: Trial, reason: string, host: Pick<Host, "log">): void {
  countStarts(system, 0, host);
  noteTrial(system, { ...trial, state: "failed", reason }, host);
}
