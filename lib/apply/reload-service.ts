import { cmd } from "../tools/host/cmd.ts";
import { UNIT } from "../tools/host/paths.ts";
import type { ApplyHost } from "./applier.ts";

/**
 * Makes a running service read its files again; otherwise does nothing. Does not wait for k3s, which may wait for its
 * server for ever.
 */
export async function reloadService(service: string, host: Pick<ApplyHost, "run">): Promise<void> {
  const patience = service === UNIT.k3s ? ["--no-block"] : [];
  await host.run(cmd`systemctl ${patience} try-reload-or-restart ${service}`);
}
