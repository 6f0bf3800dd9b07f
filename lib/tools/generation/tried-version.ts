import type { Component } from "../host/paths.ts";
import { readRecords } from "./generation-facts.ts";
import { readLinks } from "./generation-links.ts";

/**
 * The newest version of a component that has run: the current one or, of an upgrade that no boot has tried yet, the one
 * before. Another upgrade before the reboot takes the place of such a version, which will then never have run.
 */
export function triedVersion(system: string, component: Component): string | undefined {
  const { trial } = readRecords(system);
  const hasRun = trial?.kind !== "upgrade" || (trial.state === "trial" && trial.started);
  const part = hasRun ? undefined : trial.parts.find((one) => one.component === component);
  return part === undefined ? readLinks(system)[component].current : part.from;
}
