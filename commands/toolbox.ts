import { defineCommand } from "../lib/tools/cli/cli.ts";
import { UsageError } from "../lib/tools/text/errors.ts";

/** `k3os toolbox`, and the original's script of the same name: does nothing without a subcommand. */
export const toolbox = defineCommand({
  usage: "SUBCOMMAND",
  description: `
Runs a container with tools that k3OS lacks, in the containerd of k3s. The
container is privileged, uses the host network, and mounts the host file system
at /host. Its contents persist until it is removed.`,
  options: {},
  subcommands: {
    create: {
      summary: "Pull an image and start the container",
      load: async () => (await import("./toolbox-create.ts")).toolboxCreate,
    },
    enter: {
      summary: "Run a shell in the container",
      load: async () => (await import("./toolbox-enter.ts")).toolboxEnter,
    },
    rm: {
      summary: "Stop and remove the container",
      load: async () => (await import("./toolbox-rm.ts")).toolboxRm,
    },
  },
  run: async () => {
    throw new UsageError('Missing subcommand: "create", "enter" or "rm"');
  },
});
