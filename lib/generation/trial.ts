import { existsSync, lstatSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { flushDirectory, writeFileAtomic } from "../atomic.ts";
import { setVariable } from "../disk/grubenv.ts";
import { CommandError, messageOf } from "../errors.ts";
import type { Host } from "../host.ts";
import { COMPONENTS, type Component } from "../paths.ts";
import { checkVersion } from "../version-name.ts";
import { linkedVersion, setLinks } from "./links.ts";

/**
 * A generation is what runs together: the current versions of k3os, k3s and the kernel. Changing it takes several links,
 * which cannot change in one step; this record makes one step of them. Files below `/k3os/system`.
 */
export const TRIAL_FILE = "trial.json";
export const QUARANTINE_FILE = "quarantine.json";

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
  /** Names of health checks that failed before the change: for versions that compare no single entries (lib/applied.ts). */
  readonly tolerated: readonly string[];
  /** The datastore stays as it is when the version of k3s is changed back. */
  readonly keepData: boolean;
  /** Why it failed. */
  readonly reason: string | undefined;
}

/** A generation that failed: it is not tried again by itself. */
export interface Quarantined {
  /** The versions that the upgrade brought. */
  readonly versions: Readonly<Partial<Record<Component, string>>>;
  readonly reason: string;
  /** RFC 3339. */
  readonly at: string;
}

/** Starts that a new generation gets: the second makes up for a power cut during the first. */
export const STARTS = 2;

/** GRUB's variable that counts the starts that are left; the boot menu that the installer writes knows it. */
export const TRIAL_VARIABLE = "k3os_trial";

/** The unfinished change of a system; undefined if there is none. Throws CommandError if it cannot be understood. */
export function readTrial(system: string): Trial | undefined {
  return readJson(join(system, TRIAL_FILE), (value) => {
    const trial = value as Trial;
    const known = ["switching", "trial", "failed"].includes(trial.state) && Array.isArray(trial.parts);
    if (!known) throw new CommandError("it holds something else");
    for (const { component, from, to, previous } of trial.parts) {
      if (!COMPONENTS.includes(component)) throw new CommandError(`it names a component "${component}"`);
      for (const version of [from, to, previous]) if (version !== undefined) checkVersion(version);
    }
    return trial;
  });
}

export function writeTrial(system: string, trial: Trial): void {
  writeFileAtomic(join(system, TRIAL_FILE), `${JSON.stringify(trial)}\n`);
}

/** Every generation that has failed here, the latest last. */
export function readQuarantine(system: string): readonly Quarantined[] {
  return readJson(join(system, QUARANTINE_FILE), (value) => value as readonly Quarantined[]) ?? [];
}

/** The failure of a generation that has all these versions; undefined if it never failed. */
export function findQuarantined(
  system: string,
  versions: Readonly<Partial<Record<Component, string>>>,
): Quarantined | undefined {
  return readQuarantine(system).findLast(({ versions: failed }) => {
    const names = Object.keys(failed) as Component[];
    return names.length > 0 && names.every((name) => failed[name] === versions[name]);
  });
}

export function addQuarantined(system: string, entry: Quarantined): void {
  const isSame = (other: Quarantined) => JSON.stringify(other.versions) === JSON.stringify(entry.versions);
  const others = readQuarantine(system)
    .filter((other) => !isSame(other))
    .slice(-19);
  writeFileAtomic(join(system, QUARANTINE_FILE), `${JSON.stringify([...others, entry], null, 2)}\n`);
}

function readJson<T>(path: string, check: (value: unknown) => T): T | undefined {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
  try {
    return check(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    throw new CommandError(`Cannot read "${path}"`, { cause });
  }
}

/** What the parts of a change are, given what the current versions are to become. */
export function partsOf(system: string, wanted: Readonly<Partial<Record<Component, string>>>): Part[] {
  return COMPONENTS.flatMap((component) => {
    const from = linkedVersion(system, component, "current");
    const to = wanted[component] ?? from;
    const previous = linkedVersion(system, component, "previous");
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
 * together they are the generation before.
 */
export function changeGeneration(
  system: string,
  trial: Omit<Trial, "state" | "started" | "left" | "reason">,
  host: Pick<Host, "log">,
): void {
  const record: Trial = { ...trial, state: "switching", started: false, left: STARTS, reason: undefined };
  writeTrial(system, record);
  // before the first link: whatever the menu finds then, it does not start it for ever
  countStarts(system, trial.kind === "upgrade" ? STARTS : undefined, host);
  setLinks(
    system,
    trial.parts.flatMap(({ component, from, to }) => [
      { component, name: "previous", version: from },
      { component, name: "current", version: to },
    ]),
  );
  writeTrial(system, { ...record, state: "trial" });
}

/** Changes the links back to what they were before a change, and forgets it. */
export function revertGeneration(system: string, { parts }: Trial, host: Pick<Host, "log">): void {
  setLinks(
    system,
    parts.flatMap(({ component, from, previous }) => [
      { component, name: "current", version: from },
      { component, name: "previous", version: previous },
    ]),
  );
  finishTrial(system, host);
}

/** Forgets a change: what is current now stays so. */
export function finishTrial(system: string, host: Pick<Host, "log">): void {
  countStarts(system, undefined, host);
  rmSync(join(system, TRIAL_FILE), { force: true });
  flushDirectory(system);
}

/** Makes the change to be reverted at the next start. */
export function failTrial(system: string, trial: Trial, reason: string, host: Pick<Host, "log">): void {
  writeTrial(system, { ...trial, state: "failed", reason });
  countStarts(system, 0, host);
}

/**
 * Tells the boot menu how many starts are left; undefined: as many as you like. A system that another boot loader starts
 * has no such menu: there the record counts. Failing to tell is no reason to stop, since the record counts then, too.
 */
function countStarts(system: string, left: number | undefined, host: Pick<Host, "log">): void {
  const block = grubEnvironment(system);
  if (block === undefined) return;
  try {
    setVariable(block, TRIAL_VARIABLE, left?.toString());
  } catch (error) {
    host.log.warn(`The boot menu cannot be told of the new generation: ${messageOf(error)}`);
  }
}

/** GRUB's environment block on the file system of a system directory `ROOT/k3os/system`. */
function grubEnvironment(system: string): string | undefined {
  const root = dirname(dirname(system));
  const paths = ["boot/grub/grubenv", "boot/grub2/grubenv"].map((path) => join(root, path));
  return paths.find((path) => existsSync(path));
}
