import { defineCommand } from "../lib/tools/cli/cli.ts";
import { UsageError } from "../lib/tools/text/errors.ts";

/** `k3os toolbox`, and the original's script of that name: only its subcommands do something. */
export const toolbox = defineCommand({
  usage: "SUBCOMMAND",
  description: `
A container on this node, run by the containerd of k3s, for tools that k3OS does
not have. It is privileged, uses the network of the node, and sees its files at
/host; what is installed in it stays until it is removed.`,
  options: {},
  subcommands: {
    create: {
      summary: "Fetch an image, and start the container",
      load: async () => (await import("./toolbox-create.ts")).toolboxCreate,
    },
    enter: {
      summary: "Run a shell in the container",
      load: async () => (await import("./toolbox-enter.ts")).toolboxEnter,
    },
    rm: {
      summary: "End everything in the container, and remove it",
      load: async () => (await import("./toolbox-rm.ts")).toolboxRm,
    },
  },
  run: async () => {
    throw new UsageError('Missing subcommand: "create", "enter" or "rm"');
  },
});
