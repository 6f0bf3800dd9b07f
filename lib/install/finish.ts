import type { Host } from "../tools/host/host.ts";
import type { InstallSettings } from "./install-settings.ts";

const ACTIONS = {
  reboot: { argv: ["reboot"], text: "Restarting into the installed system …" },
  "power-off": { argv: ["poweroff"], text: "Powering off …" },
} as const;

/** What happens to the machine after an installation. */
export async function finish(
  afterwards: InstallSettings["afterwards"],
  host: Pick<Host, "run" | "log">,
): Promise<void> {
  if (afterwards === "return") return;
  host.log.info(ACTIONS[afterwards].text);
  await host.run(ACTIONS[afterwards].argv);
}
