import { resolve } from "node:path";
import { defineCommand } from "../lib/tools/cli/cli.ts";
import { PATH } from "../lib/tools/host/paths.ts";
import { EXIT } from "../lib/tools/text/errors.ts";

/** `k3os overlay remove` */
export const overlayRemove = defineCommand({
  description: `
Restores the original system: puts back /sbin/init and the other names in /sbin
that k3OS replaced. Runs on k3OS, on the original system, or for a file system
mounted at --root.`,
  options: {
    root: {
      type: "string",
      value: "DIR",
      help: "root file system (default: the one that this machine booted from)",
    },
    purge: {
      type: "boolean",
      help: "also delete /k3os: versions, configuration and all data of the node",
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
