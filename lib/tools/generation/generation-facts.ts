import type { Host } from "../host/host.ts";
import type { Component } from "../host/paths.ts";
import { messageOf } from "../text/errors.ts";
import { type Links, leftoversOf, readLinks, versionsOf } from "./generation-links.ts";
import { type Quarantined, readQuarantine } from "./quarantine.ts";
import { readTrial, type Trial } from "./trial.ts";

/** The records of a system. */
export interface Records {
  /** The unfinished change. */
  readonly trial: Trial | undefined;
  /** All generations that have failed on this machine, the latest last. */
  readonly quarantine: readonly Quarantined[];
  /** Why a record is invalid; its content is unknown then. */
  readonly damage: Readonly<Record<RecordName, unknown>>;
}

export type RecordName = "trial" | "quarantine";

/** The facts for all decisions about the generations of a system. */
export interface GenerationFacts extends Records {
  readonly links: Links;
  /** The existing versions, the oldest first. */
  readonly versions: Readonly<Record<Component, readonly string[]>>;
  /** The leftovers of interrupted upgrades beside them. */
  readonly leftovers: Readonly<Record<Component, readonly string[]>>;
}

/**
 * Reads all facts about the generations of a system: each record and each link once. They may be outdated after a long
 * action, such as a download: read them again then. Throws the errors of the file system.
 */
export function readGenerations(system: string): GenerationFacts {
  return {
    ...readRecords(system),
    links: readLinks(system),
    versions: ofEach((component) => versionsOf(system, component)),
    leftovers: ofEach((component) => leftoversOf(system, component)),
  };
}

/**
 * Reads only the records, for the boot: it must continue if a link that it does not need is unreadable. Never throws.
 */
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
  trial: "it is ignored",
  quarantine: "nothing is known of versions that failed before",
};

/** Warns of the invalid records, for callers that continue without them. */
export function warnOfDamage(
  { damage }: Pick<Records, "damage">,
  names: readonly RecordName[],
  host: Pick<Host, "log">,
): void {
  for (const name of names) {
    if (damage[name] !== undefined) host.log.warn(`${messageOf(damage[name])}: ${CONSEQUENCES[name]}`);
  }
}
