import type { Host } from "../tools/host/host.ts";
import { shutDown } from "../tools/host/power.ts";
import type { InstallSettings } from "./install-settings.ts";

const MESSAGES = {
  restart: "Restarting into the installed system …",
  "power-off": "Powering off …",
} as const;

/** Reboots the machine, powers it off, or returns, after an installation. */
export async function finish(
  afterwards: InstallSettings["afterwards"],
  host: Pick<Host, "run" | "log">,
): Promise<void> {
  if (afterwards === "return") return;
  host.log.info(MESSAGES[afterwards]);
  await shutDown(afterwards, host);
}
