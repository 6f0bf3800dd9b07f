import type { Host } from "../host.ts";
import type { Diagnostic } from "./diagnostics.ts";
import { mergeLayers, type Origins } from "./merge.ts";
import type { CloudConfig } from "./schema.ts";
import { readLayers } from "./sources.ts";

export interface ReadResult {
  readonly config: CloudConfig;
  readonly diagnostics: readonly Diagnostic[];
  /** Which sources set what: by canonical path (`k3os.serverUrl`), the one that counts last. */
  readonly origins: Origins;
}

/**
 * Reads and merges every source of the configuration. Never throws for what a source holds: a broken part is left out and
 * told of in `diagnostics`, and everything else counts.
 */
export async function readConfig(host: Pick<Host, "root">): Promise<ReadResult> {
  const layers = await readLayers(host);
  return { ...mergeLayers(layers), diagnostics: layers.flatMap(({ diagnostics }) => diagnostics) };
}

/** What is read where nothing is meant for k3OS: on another Linux. */
export const NOTHING_READ: ReadResult = { config: {}, diagnostics: [], origins: new Map() };
