import { CommandError } from "../tools/text/errors.ts";
import { type Applier, forEachItem, listItems } from "./applier.ts";

type CommandKey = "initCmd" | "bootCmd" | "runCmd";

const NAMES: Readonly<Record<CommandKey, string>> = {
  initCmd: "init_cmd",
  bootCmd: "boot_cmd",
  runCmd: "run_cmd",
};

/**
 * Milliseconds that other appliers wait for commands. Commands come first, since they may prepare something for k3s,
 * but an endless command must not keep the node out of its cluster.
 */
const PATIENCE = 60_000;

/**
 * Runs the user's shell commands of one phase, one after the other, on our own console. Our messages reach every
 * console and the kernel's log, and a command may contain a password. Therefore they name a command by its path, and
 * only --debug shows it.
 */
export function commands(key: CommandKey): Applier {
  const name = NAMES[key];
  return {
    name,
    patience: PATIENCE,
    apply: (config, host) =>
      forEachItem(listItems(name, config[key]), async (line, path) => {
        const shown = JSON.stringify(line.trim().split("\n")[0]);
        if (host.dryRun) {
          host.log.info(`Would run ${path}: ${shown}`);
          return;
        }
        host.log.info(`Running ${path}`);
        host.log.debug(`${path}: ${shown}`);
        const status = await host.sh(line, { env: { ...config.k3os?.environment } });
        if (status !== 0) throw new CommandError(`The command failed (exit status ${status})`);
      }),
  };
}
