import { isatty } from "node:tty";
import { DEFAULT_SHELL, enterToolbox, SHELL_OPTION } from "../lib/toolbox/toolbox-container.ts";
import { type Arguments, defineCommand } from "../lib/tools/cli/cli.ts";

/** `k3os toolbox enter` */
export const toolboxEnter = defineCommand({
  description: `
Runs a shell in the container. Several shells can run at the same time. A
stopped container is started first, for instance after a reboot. Without a
terminal, the shell reads commands from standard input.`,
  options: SHELL_OPTION,
  exits: { failed: "no toolbox exists, or it could not be entered", other: "the exit status of the shell" },
  needsRoot: () => true,
  run: async ({ values }: Arguments<typeof SHELL_OPTION>, host) => {
    const terminal = isatty(0) ? (host.env.TERM ?? "linux") : undefined;
    const id = `shell-${host.clock.now()}-${process.pid}`;
    return await enterToolbox({ shell: values.shell ?? DEFAULT_SHELL, terminal, id }, host);
  },
});
