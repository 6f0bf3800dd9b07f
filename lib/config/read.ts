import type { Host } from "../host.ts";
import { type Merged, mergeLayers } from "./merge.ts";
import { readLayers } from "./sources.ts";

/**
 * Reads and merges every source of the configuration. Never throws for what a source holds: a broken part is left out and
 * told of in `diagnostics`, and everything else counts.
 */
export async function readConfig(host: Pick<Host, "root">): Promise<Merged> {
  return mergeLayers(await readLayers(host));
}

/** What is read where nothing is meant for k3OS: on another Linux. */
export const NOTHING_READ: Merged = { config: {}, diagnostics: [], origins: new Map() };
