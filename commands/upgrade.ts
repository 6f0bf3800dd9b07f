import { defineCommand } from "../lib/tools/cli/cli.ts";
import { PATH } from "../lib/tools/host/paths.ts";
import { EXIT } from "../lib/tools/text/errors.ts";
import { COPY_OPTIONS } from "../lib/upgrade/copy-settings.ts";

export const upgrade = defineCommand({
  description: `
Copies versions of k3os, k3s and the kernel from one system directory to
another, as the upgrade controller does from its image to a node, and makes them
current: all or none. The next start of the machine tries them; if it does not
become healthy, the versions before are started again.`,
  options: COPY_OPTIONS,
  exits: {
    done: "done, or everything was there already: then nothing is restarted",
    failed: "a part could not be copied: no part is made current",
  },
  needsRoot: () => true,
  run: async ({ values }, host) => {
    const { copySettings } = await import("../lib/upgrade/copy-settings.ts");
    const { restartMachine, upgradeSystem } = await import("../lib/upgrade/from-directory.ts");
    const { lockUpgrade } = await import("../lib/tools/generation/generation-lock.ts");
    const { warnOfMissing } = await import("../lib/legacy/warn-of-missing.ts");
    const settings = copySettings(values);
    const { remount, force } = values;
    const options = { remount, force, dryRun: values["dry-run"], keepData: values["keep-data"] };
    using _lock = lockUpgrade(values["lock-file"] ?? PATH.upgradeLock);
    await warnOfMissing(settings.destination, host);
    const changed = await upgradeSystem(settings, options, host);
    if (changed && values.reboot) await restartMachine(settings.destination, host);
    else if (changed) host.log.info("Takes effect at the next start of the machine");
    return EXIT.done;
  },
});
