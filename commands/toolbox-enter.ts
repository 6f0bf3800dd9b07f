import { isatty } from "node:tty";
import { DEFAULT_SHELL, enterToolbox, SHELL_OPTION } from "../lib/toolbox/toolbox-container.ts";
import { type Arguments, defineCommand } from "../lib/tools/cli/cli.ts";

/** `k3os toolbox enter` */
export const toolboxEnter = defineCommand({
  description: `
Runs a shell in the container, any number of them at the same time. The
container is started first if it does not run, as after a restart of the node.
Without a terminal, the shell reads commands from standard input.`,
  options: SHELL_OPTION,
  exits: { failed: "there is no toolbox, or it could not be entered", other: "that of the shell" },
  needsRoot: () => true,
  run: async ({ values }: Arguments<typeof SHELL_OPTION>, host) => {
    const terminal = isatty(0) ? (host.env.TERM ?? "linux") : undefined;
    const id = `shell-${host.clock.now()}-${process.pid}`;
    return await enterToolbox({ shell: values.shell ?? DEFAULT_SHELL, terminal, id }, host);
  },
});
