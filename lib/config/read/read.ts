import type { Host } from "../../tools/host/host.ts";
import { judgeLayers } from "./judge.ts";
import type { Merged } from "./merge.ts";
import { readLayers } from "./sources.ts";

/**
 * Reads, merges and judges every source of the configuration. Never throws for what a source holds: a broken part is left out and
 * told of in `diagnostics`, and everything else counts.
 */
export async function readConfig(host: Pick<Host, "root">): Promise<Merged> {
  return judgeLayers(await readLayers(host));
}

/** What is read where nothing is meant for k3OS: on another Linux. */
export const NOTHING_READ: Merged = { config: {}, diagnostics: [], origins: new Map() };
