import { defineCommand } from "../lib/tools/cli/cli.ts";
import { UsageError } from "../lib/tools/text/errors.ts";

/** `k3os overlay`: only its subcommands do something. */
export const overlay = defineCommand({
  usage: "SUBCOMMAND",
  description: `
Makes a node of a board that has a working Linux: k3OS is laid over its root
file system, and started by the board's own boot loader and kernel.`,
  options: {},
  subcommands: {
    apply: {
      summary: "Lay k3OS over a root file system",
      load: async () => (await import("./overlay-apply.ts")).overlayApply,
    },
    remove: {
      summary: "Make a root file system start as it did before",
      load: async () => (await import("./overlay-remove.ts")).overlayRemove,
    },
  },
  run: async () => {
    throw new UsageError('Missing subcommand: "apply" or "remove"');
  },
});
