import { defineCommand } from "../lib/tools/cli/cli.ts";
import { EXIT } from "../lib/tools/text/errors.ts";
import {
  ABOUT_RELEASES,
  ORDER_REFUSED,
  RELEASE_UPGRADE_OPTIONS,
  SKEW_OPTION,
  upgradeSettings,
  WINDOW_CLOSED,
} from "../lib/upgrade/upgrade-settings.ts";

/** `k3os upgrade-rootfs`, `k3os-upgrade-rootfs` */
export const upgradeRootfs = defineCommand({
  description: `
Upgrades k3OS and k3s to a release; the kernel is not changed. The new versions
run after the next reboot, and the old ones are kept as "previous". Without
K3OS_VERSION, it takes the latest release if the node may step to its minor of
Kubernetes, else the newest one on the way there.

${ABOUT_RELEASES}`,
  options: { ...RELEASE_UPGRADE_OPTIONS, ...SKEW_OPTION },
  exits: { done: "upgraded, or already up to date", refused: `${ORDER_REFUSED}; or ${WINDOW_CLOSED}` },
  json: "events",
  needsRoot: () => true,
  run: async ({ values }, host) => {
    const { upgradeRootfs } = await import("../lib/upgrade/from-release.ts");
    const { warnOfMissing } = await import("../lib/legacy/warn-of-missing.ts");
    const settings = upgradeSettings(values);
    await warnOfMissing(settings.system, host);
    await upgradeRootfs(settings, host);
    return EXIT.done;
  },
});
