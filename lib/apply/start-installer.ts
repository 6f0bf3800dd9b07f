import { cmd } from "../tools/host/cmd.ts";
import { runningMode } from "../tools/node/running-mode.ts";
import type { Applier } from "./applier.ts";
import { readIfExists } from "./system-files.ts";

/**
 * The terminals of the kernel's console; the last one is behind /dev/console.
 * https://docs.kernel.org/admin-guide/abi-testing.html
 */
const CONSOLES = "/sys/class/tty/console/active";

/**
 * In the boot mode `install`, starts the installer on the console. It runs as a service of its own: its prompts need
 * the terminal exclusively, and nothing may interrupt it.
 */
export const install: Applier = {
  name: "install",
  apply: async (_config, host) => {
    if (runningMode(host) !== "install") return;
    const console = readIfExists(CONSOLES, host)?.trim().split(" ").at(-1) || "console";
    if (host.dryRun) host.log.info(`Would start the installer on ${console}`);
    else await host.run(cmd`systemctl --no-block start k3os-install@${console}.service`);
  },
};
