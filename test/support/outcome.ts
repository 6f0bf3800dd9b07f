import type { Applier, ApplyHost } from "../../lib/apply/applier.ts";
import type { CloudConfig } from "../../lib/config/schema/schema.ts";

/** Applies a configuration by one applier; returns the message of what it throws, "" if it throws nothing. */
export async function outcome(applier: Applier, config: CloudConfig, host: ApplyHost): Promise<string> {
  try {
    await applier.apply(config, host);
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}
