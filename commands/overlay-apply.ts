import { resolve } from "node:path";
import { defineCommand } from "../lib/tools/cli/cli.ts";
import { PATH } from "../lib/tools/host/paths.ts";
import { localPath } from "../lib/tools/http/http-url.ts";
import { EXIT, UsageError } from "../lib/tools/text/errors.ts";

/** `k3os overlay apply TARBALL|URL` */
export const overlayApply = defineCommand({
  usage: "TARBALL|URL",
  description: `
Installs k3OS over the root file system of this machine, or over one mounted at
--root, such as a board's SD card in another machine. TARBALL is
k3os-rootfs-ARCH.tar.gz, with the release's sha256sum-ARCH.txt and its signature
in the same directory. The next boot of the board starts k3OS with the board's
own kernel. The original /sbin/init is kept, and "k3os overlay remove" restores
it.

All requirements are checked before anything is changed: architecture, disk
space, kernel features, and the program that boots the board. After a failure or
a power cut, the board boots its original system.`,
  options: {
    config: {
      type: "string",
      value: "FILE|URL",
      help: "file to install as /k3os/system/config.yaml (default: keep the present one)",
    },
    root: {
      type: "string",
      value: "DIR",
      help: "root file system to install over (default: /)",
    },
    "allow-downgrade": { type: "boolean", help: "allow a release older than the installed one" },
    "dry-run": { type: "boolean", help: "check the requirements and show the plan" },
    key: {
      type: "string",
      multiple: true,
      value: "KEY",
      help: "trust releases signed with this minisign key (file or text)",
    },
    "insecure-skip-verify": { type: "boolean", help: "accept unsigned releases" },
  },
  maxPositionals: 1,
  json: "events",
  needsRoot: () => true,
  run: async ({ values, positionals: [tarball] }, host) => {
    if (tarball === undefined) throw new UsageError("Missing argument TARBALL or URL");
    const { applyOverlay } = await import("../lib/overlay/apply-overlay.ts");
    const { lockUpgrade } = await import("../lib/tools/generation/generation-lock.ts");
    const local = localPath(tarball);
    const settings = {
      tarball: local === undefined ? tarball : resolve(local),
      root: resolve(values.root ?? "/"),
      config: values.config,
      keys: values.key,
      insecure: values["insecure-skip-verify"],
      dryRun: values["dry-run"],
      allowDowngrade: values["allow-downgrade"],
    };
    using _lock = lockUpgrade(PATH.upgradeLock);
    await applyOverlay(settings, host);
    return EXIT.done;
  },
});
