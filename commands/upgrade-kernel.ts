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

/** `k3os upgrade-kernel`, `k3os-upgrade-kernel` */
export const upgradeKernel = defineCommand({
  description: `
Upgrades the kernel to a release; k3OS and k3s are not changed. The new kernel
runs after the next reboot, and the old one is kept as "previous". A node that
boots its own kernel (an overlay, 32-bit ARM) is not changed. Without
K3OS_VERSION, it takes the release that "k3os upgrade-rootfs" takes, which need
not be the latest.

${ABOUT_RELEASES}`,
  options: { ...RELEASE_UPGRADE_OPTIONS, ...SKEW_OPTION },
  exits: {
    done: "upgraded, already up to date, or the kernel is not from k3OS",
    refused: `${ORDER_REFUSED}; or ${WINDOW_CLOSED}`,
  },
  json: "events",
  needsRoot: () => true,
  run: async ({ values }, host) => {
    const { upgradeKernel } = await import("../lib/upgrade/from-release.ts");
    await upgradeKernel(upgradeSettings(values), host);
    return EXIT.done;
  },
});
