import { rmSync } from "node:fs";
import { join } from "node:path";
import { COMPONENTS } from "../host/paths.ts";
import type { GenerationFacts } from "./generation-facts.ts";

/**
 * Selects the versions to remove: those without a link, except the newest `keep` of each component, and the leftovers
 * of interrupted upgrades. Returns them as `COMPONENT/NAME`.
 */
export function planPrune(
  { links, versions, leftovers }: Pick<GenerationFacts, "links" | "versions" | "leftovers">,
  keep: number,
): string[] {
  return COMPONENTS.flatMap((component) => {
    const linked = Object.values(links[component]);
    const unused = versions[component].filter((version) => !linked.includes(version));
    const old = unused.slice(0, Math.max(0, unused.length - keep));
    return [...old, ...leftovers[component]].map((name) => `${component}/${name}`);
  });
}

/** Removes the selection of {@link planPrune}. Throws the errors of the file system. */
export function removeVersions(system: string, names: readonly string[]): void {
  for (const name of names) rmSync(join(system, name), { recursive: true, force: true });
}
