import type { Host } from "../../tools/host/host.ts";
import { judgeLayers } from "./judge.ts";
import type { Merged } from "./merge.ts";
import { type ExtraFile, readLayers } from "./sources.ts";

/**
 * Reads, merges and checks every source of the configuration. Never throws for the content of a source: invalid parts
 * are left out and reported in `diagnostics`, and the rest counts.
 */
export async function readConfig(host: Pick<Host, "root">): Promise<Merged> {
  return judgeLayers(await readLayers(host));
}

/** {@link readConfig}, as if config.d had that file. */
export async function readConfigWith(extra: ExtraFile, host: Pick<Host, "root">): Promise<Merged> {
  return judgeLayers(await readLayers(host, extra));
}

/** The empty result for another Linux, where no source is meant for k3OS. */
export const NOTHING_READ: Merged = { config: {}, diagnostics: [], origins: new Map() };
