import { defineCommand } from "../lib/tools/cli/cli.ts";
import { PATH } from "../lib/tools/host/paths.ts";
import { EXIT } from "../lib/tools/text/errors.ts";
import { COPY_OPTIONS } from "../lib/upgrade/copy-settings.ts";
import { ORDER_REFUSED } from "../lib/upgrade/upgrade-settings.ts";

export const upgrade = defineCommand({
  description: `
Copies versions of k3os, k3s and the kernel from one system directory to another
and makes them current: all of them, or none. The upgrade controller runs this
to upgrade a node from a container image. The next boot tries the new versions;
if the node does not become healthy, it reboots into the previous ones.

An upgrade of k3s is refused if another one comes first: a server skips no minor
of Kubernetes and does not go back, an agent is not newer than its servers, and
servers with embedded etcd change one by one. --check only finds that out; the
upgrade controller runs it before it cordons the node. --force and --allow-skew
are independent: --force retries versions that failed here, in order only. In a
job of the upgrade controller, versions that are on trial are waited for.`,
  options: COPY_OPTIONS,
  exits: {
    done: "upgraded, or already up to date (then without a reboot)",
    failed: "a component could not be copied; the current versions are unchanged",
    refused: ORDER_REFUSED,
  },
  json: "events",
  needsRoot: () => true,
  run: async ({ values }, host) => {
    const { copySettings } = await import("../lib/upgrade/copy-settings.ts");
    const { checkUpgrade, restartMachine, upgradeSystem } = await import("../lib/upgrade/from-directory.ts");
    const { lockUpgrade } = await import("../lib/tools/generation/generation-lock.ts");
    const { warnOfMissing } = await import("../lib/legacy/warn-of-missing.ts");
    const { runningMode } = await import("../lib/tools/node/running-mode.ts");
    const { awaitReboot, inJob } = await import("../lib/operator/in-job.ts");
    const { awaitPlans } = await import("../lib/operator/await-plan.ts");
    const settings = copySettings(values, { onNode: runningMode(host) !== undefined });
    const { remount, force } = values;
    const flags = { allowSkew: values["allow-skew"], keepData: values["keep-data"] };
    const options = { remount, force, dryRun: values["dry-run"], ...flags };
    const work = async () => {
      await awaitPlans(values["after-plan"], host);
      if (values.check) return await checkUpgrade(settings, options, host);
      using _lock = lockUpgrade(values["lock-file"] ?? PATH.upgradeLock);
      await warnOfMissing(settings.destination, host);
      const changed = await upgradeSystem(settings, options, host);
      if (changed && !values.reboot) host.log.info("Takes effect at the next boot");
      if (!changed || !values.reboot) return;
      await restartMachine(settings.destination, host);
      await awaitReboot(host);
    };
    await inJob({ destination: settings.destination, isCheck: values.check }, work, host);
    return EXIT.done;
  },
});
