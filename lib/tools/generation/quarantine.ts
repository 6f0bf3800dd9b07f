import { rmSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../fs/atomic.ts";
import { isFields, keepDamaged, readRecord } from "../fs/record.ts";
import type { Host } from "../host/host.ts";
import { COMPONENTS, type Component } from "../host/paths.ts";
import { CommandError, messageOf } from "../text/errors.ts";

/** Below `/k3os/system`. */
export const QUARANTINE_FILE = "quarantine.json";

/** A generation that failed: it is not retried automatically. */
export interface Quarantined {
  /** The versions that the upgrade installed. */
  readonly versions: Readonly<Partial<Record<Component, string>>>;
  readonly reason: string;
  /** RFC 3339. */
  readonly at: string;
}

/** The number of failures in the record. */
const KEPT = 20;

/** All generations that have failed on this machine, the latest last. Throws CommandError if the record is invalid. */
export function readQuarantine(system: string): readonly Quarantined[] {
  return readRecord(join(system, QUARANTINE_FILE), checkQuarantine) ?? [];
}

function checkQuarantine(value: unknown): readonly Quarantined[] {
  if (!Array.isArray(value)) throw new CommandError("it is not a list");
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

/** Renames an invalid quarantine record, because of `problem`. If that fails, it only logs a warning. */
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

/** The failure of a generation with all these versions; undefined if it never failed. */
export function findQuarantined(
  quarantine: readonly Quarantined[],
  versions: Readonly<Partial<Record<Component, string>>>,
): Quarantined | undefined {
  return quarantine.findLast(({ versions: failed }) => {
    const names = Object.keys(failed) as Component[];
    return names.length > 0 && names.every((name) => failed[name] === versions[name]);
  });
}

/** Records a failure, and replaces one of the same versions. Throws CommandError. */
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
