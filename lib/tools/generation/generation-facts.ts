import type { Host } from "../host/host.ts";
import type { Component } from "../host/paths.ts";
import { messageOf } from "../text/errors.ts";
import { type Links, leftoversOf, readLinks, versionsOf } from "./generation-links.ts";
import { type Quarantined, readQuarantine } from "./quarantine.ts";
import { readTrial, type Trial } from "./trial.ts";

/** What the records of a system say. */
export interface Records {
  /** The change that is not finished. */
  readonly trial: Trial | undefined;
  /** Every generation that has failed here, the latest last. */
  readonly quarantine: readonly Quarantined[];
  /** Why a record cannot be understood; nothing is known of what it says. */
  readonly damage: Readonly<Record<RecordName, unknown>>;
}

export type RecordName = "trial" | "quarantine";

/** Everything that is decided about the generations of a system is decided by this. */
export interface GenerationFacts extends Records {
  readonly links: Links;
  /** The versions that are there, the oldest first. */
  readonly versions: Readonly<Record<Component, readonly string[]>>;
  /** What interrupted upgrades have left beside them. */
  readonly leftovers: Readonly<Record<Component, readonly string[]>>;
}

/**
 * Reads what there is to know of the generations of a system: each record and each link once. They are facts of this
 * moment: what takes long, such as a download, needs new ones. Throws what the file system does.
 */
export function readGenerations(system: string): GenerationFacts {
  return {
    ...readRecords(system),
    links: readLinks(system),
    versions: ofEach((component) => versionsOf(system, component)),
    leftovers: ofEach((component) => leftoversOf(system, component)),
  };
}

/** Reads the records alone, for a start: it has to go on where a link cannot be read that it does not need. Never throws. */
export function readRecords(system: string): Records {
  const [trial, trialDamage] = attempt(() => readTrial(system));
  const [quarantine = [], quarantineDamage] = attempt(() => readQuarantine(system));
  return { trial, quarantine, damage: { trial: trialDamage, quarantine: quarantineDamage } };
}

function attempt<T>(read: () => T): readonly [T | undefined, unknown] {
  try {
    return [read(), undefined];
  } catch (error) {
    return [undefined, error];
  }
}

function ofEach<T>(read: (component: Component) => T): Readonly<Record<Component, T>> {
  return { k3os: read("k3os"), k3s: read("k3s"), kernel: read("kernel") };
}

const CONSEQUENCES: Readonly<Record<RecordName, string>> = {
  trial: "it does not count",
  quarantine: "nothing is known of versions that failed before",
};

/** Tells which of these records cannot be understood, for those who go on without them. */
export function warnOfDamage(
  { damage }: Pick<Records, "damage">,
  names: readonly RecordName[],
  host: Pick<Host, "log">,
): void {
  for (const name of names) {
    if (damage[name] !== undefined) host.log.warn(`${messageOf(damage[name])}: ${CONSEQUENCES[name]}`);
  }
}
