import { defineCommand } from "../lib/tools/cli/cli.ts";
import { EXIT, UsageError } from "../lib/tools/text/errors.ts";

export const takeover = defineCommand({
  description: `
Undoes "k3os install --takeover" before the reboot: restores the old boot menu
and removes the new system. Until the reboot, the old system is unchanged.`,
  options: {
    undo: { type: "boolean", help: "restore the old boot menu and remove the new system" },
  },
  json: "events",
  needsRoot: () => true,
  run: async ({ values }, host) => {
    if (!values.undo) throw new UsageError("Nothing to do: expected --undo");
    const { undoTakeover } = await import("../lib/install/takeover/prepare-takeover.ts");
    const { lockInstaller } = await import("../lib/install/install-lock.ts");
    await using _lock = await lockInstaller(host);
    undoTakeover(host);
    host.log.info("The takeover is undone: this machine starts its old system");
    return EXIT.done;
  },
});
