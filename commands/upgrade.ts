import { defineCommand } from "../lib/tools/cli/cli.ts";
import { PATH } from "../lib/tools/host/paths.ts";
import { EXIT } from "../lib/tools/text/errors.ts";
import { COPY_OPTIONS } from "../lib/upgrade/copy-settings.ts";

export const upgrade = defineCommand({
  description: `
Copies versions of k3os, k3s and the kernel from one system directory to another
and makes them current: all of them, or none. The upgrade controller runs this
to upgrade a node from a container image. The next boot tries the new versions;
if the node does not become healthy, it reboots into the previous ones.`,
  options: COPY_OPTIONS,
  exits: {
    done: "upgraded, or already up to date (then without a reboot)",
    failed: "a component could not be copied; the current versions are unchanged",
  },
  json: "events",
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
    else if (changed) host.log.info("Takes effect at the next boot");
    return EXIT.done;
  },
});
