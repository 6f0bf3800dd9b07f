import { dirname } from "node:path";
import { readConfig } from "../config/read/read.ts";
import type { Host } from "../tools/host/host.ts";
import { missingCommands } from "./missing-commands.ts";

/**
 * Reports commands in a machine's configuration that this version does not have, before a reboot into it. `system` is
 * the machine's system directory, which may be mounted elsewhere, as in a container of the cluster.
 */
export async function warnOfMissing(system: string, host: Pick<Host, "log">): Promise<void> {
  const root = dirname(dirname(system));
  const { config } = await readConfig({ root });
  for (const { path, message } of missingCommands(config, { root })) {
    host.log.warn(`${path} of the configuration will fail: ${message}`);
  }
}
