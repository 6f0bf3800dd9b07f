import { defineCommand } from "../lib/tools/cli/cli.ts";
import { UsageError } from "../lib/tools/text/errors.ts";

/** `k3os overlay`: does nothing without a subcommand. */
export const overlay = defineCommand({
  usage: "SUBCOMMAND",
  description: `
Turns a board with a working Linux into a node: installs k3OS over its root file
system. The board's own boot loader and kernel boot it.`,
  options: {},
  subcommands: {
    apply: {
      summary: "Install k3OS over a root file system",
      load: async () => (await import("./overlay-apply.ts")).overlayApply,
    },
    remove: {
      summary: "Restore the original system",
      load: async () => (await import("./overlay-remove.ts")).overlayRemove,
    },
  },
  run: async () => {
    throw new UsageError('Missing subcommand: "apply" or "remove"');
  },
});
