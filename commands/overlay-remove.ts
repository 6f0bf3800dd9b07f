import { resolve } from "node:path";
import { defineCommand } from "../lib/tools/cli/cli.ts";
import { PATH } from "../lib/tools/host/paths.ts";
import { EXIT } from "../lib/tools/text/errors.ts";

/** `k3os overlay remove` */
export const overlayRemove = defineCommand({
  description: `
Makes the root file system that k3OS was laid over start as it did before: what
/sbin/init and the other names of k3OS in /sbin were is put back. It can be
called on k3OS itself, on the old system, or for a file system at --root.`,
  options: {
    root: {
      type: "string",
      value: "DIR",
      help: "the root file system (default: what this machine has started from)",
    },
    purge: {
      type: "boolean",
      help: "delete /k3os too: versions, configuration, and all data of the node",
    },
  },
  needsRoot: () => true,
  run: async ({ values }, host) => {
    const { removeOverlay } = await import("../lib/overlay/remove-overlay.ts");
    const { lockUpgrade } = await import("../lib/tools/generation/generation-lock.ts");
    using _lock = lockUpgrade(PATH.upgradeLock);
    await removeOverlay({ root: resolve(values.root ?? "/"), purge: values.purge }, host);
    return EXIT.done;
  },
});
