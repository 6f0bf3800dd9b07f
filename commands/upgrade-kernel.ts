import { defineCommand } from "../lib/tools/cli/cli.ts";
import { EXIT } from "../lib/tools/text/errors.ts";
import { ABOUT_RELEASES, RELEASE_UPGRADE_OPTIONS, upgradeSettings } from "../lib/upgrade/upgrade-settings.ts";

/** `k3os upgrade-kernel`, `k3os-upgrade-kernel` */
export const upgradeKernel = defineCommand({
  description: `
Upgrades the kernel to that of a release; k3OS and k3s stay. It is used from the
next restart on, and the old one kept as "previous". A system that is started by
a kernel of its own (an overlay, 32-bit ARM) is left as it is.

${ABOUT_RELEASES}`,
  options: RELEASE_UPGRADE_OPTIONS,
  exits: { done: "upgraded, or there is nothing to do, or the kernel is none of k3OS" },
  needsRoot: () => true,
  run: async ({ values }, host) => {
    const { upgradeKernel } = await import("../lib/upgrade/from-release.ts");
    await upgradeKernel(upgradeSettings(values), host);
    return EXIT.done;
  },
});
