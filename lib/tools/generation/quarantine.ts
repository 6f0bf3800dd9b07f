import { rmSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../fs/atomic.ts";
import { isFields, keepDamaged, readRecord } from "../fs/record.ts";
import type { Host } from "../host/host.ts";
import { COMPONENTS, type Component } from "../host/paths.ts";
import { CommandError, messageOf } from "../text/errors.ts";

/** Below `/k3os/system`. */
export const QUARANTINE_FILE = "quarantine.json";

/** A generation that failed: it is not tried again by itself. */
export interface Quarantined {
  /** The versions that the upgrade brought. */
  readonly versions: Readonly<Partial<Record<Component, string>>>;
  readonly reason: string;
  /** RFC 3339. */
  readonly at: string;
}

/** Failures that are kept. */
const KEPT = 20;

/** Every generation that has failed here, the latest last. Throws CommandError if the record cannot be understood. */
export function readQuarantine(system: string): readonly Quarantined[] {
  return readRecord(join(system, QUARANTINE_FILE), checkQuarantine) ?? [];
}

function checkQuarantine(value: unknown): readonly Quarantined[] {
  if (!Array.isArray(value)) throw new CommandError("it is no list");
  for (const entry of value) {
    const { versions, reason, at } = isFields(entry) ? entry : {};
    const known =
      isFields(versions) &&
      typeof reason === "string" &&
      typeof at === "string" &&
      Object.entries(versions).every(
        ([name, version]) =>
          COMPONENTS.some((component) => component === name) && typeof version === "string",
      );
    if (!known) throw new CommandError("it holds something else");
  }
  return value;
}

/** Sets a quarantine aside that cannot be understood, because of `problem`. It is only told where that fails. */
export function setQuarantineAside(system: string, problem: unknown, host: Pick<Host, "log">): void {
  const path = join(system, QUARANTINE_FILE);
  try {
    const kept = keepDamaged(path);
    rmSync(path, { force: true });
    host.log.warn(`${messageOf(problem)}: kept as "${kept}"`);
  } catch (error) {
    host.log.warn(`${messageOf(problem)}, and it cannot be set aside: ${messageOf(error)}`);
  }
}

/** The failure of a generation that has all these versions; undefined if it never failed. */
export function findQuarantined(
  quarantine: readonly Quarantined[],
  versions: Readonly<Partial<Record<Component, string>>>,
): Quarantined | undefined {
  return quarantine.findLast(({ versions: failed }) => {
    const names = Object.keys(failed) as Component[];
    return names.length > 0 && names.every((name) => failed[name] === versions[name]);
  });
}

/** Notes a failure. Throws CommandError; one of the same versions gives way. */
export function addQuarantined(system: string, entry: Quarantined, host: Pick<Host, "log">): void {
  const isSame = (other: Quarantined) => JSON.stringify(other.versions) === JSON.stringify(entry.versions);
  const others = earlierFailures(system, host)
    .filter((other) => !isSame(other))
    .slice(1 - KEPT);
  writeFileAtomic(join(system, QUARANTINE_FILE), `${JSON.stringify([...others, entry], null, 2)}\n`);
}

function earlierFailures(system: string, host: Pick<Host, "log">): readonly Quarantined[] {
  try {
    return readQuarantine(system);
  } catch (problem) {
    setQuarantineAside(system, problem, host);
    return [];
  }
}
