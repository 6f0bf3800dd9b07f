import { defineCommand } from "../lib/cli.ts";
import { EXIT } from "../lib/errors.ts";
import { RELEASE_UPGRADE_OPTIONS, upgradeSettings } from "../lib/upgrade/settings.ts";

/** `k3os upgrade-rootfs`, `k3os-upgrade-rootfs` */
export const upgradeRootfs = defineCommand({
  description: `
Upgrades k3OS and k3s to a release; the kernel stays. The new versions are used
from the next restart on, and the old ones kept as "previous".

The release is the one that K3OS_VERSION names, else the latest. It is looked
for at K3OS_RELEASE_URL: GitHub's page of releases (the default is this
project's), its API, a mirror with a directory for each version, or a directory
of one release, as a URL or a path.

Nothing is made of what was downloaded before it is known to be what was signed.
If anything fails, or the power does, the system is the old or the new one.`,
  options: RELEASE_UPGRADE_OPTIONS,
  run: async ({ values }, host) => {
    const { upgradeRootfs } = await import("../lib/upgrade/from-release.ts");
    const { withEvents } = await import("../lib/events.ts");
    await withEvents(values.json, host, (watched) => upgradeRootfs(upgradeSettings(values), watched));
    return EXIT.done;
  },
});
