import { resolve } from "node:path";
import { defineCommand } from "../lib/tools/cli/cli.ts";
import { EVENTS_OPTION } from "../lib/tools/cli/events.ts";
import { PATH } from "../lib/tools/host/paths.ts";
import { localPath } from "../lib/tools/http/http-url.ts";
import { EXIT, UsageError } from "../lib/tools/text/errors.ts";

/** `k3os overlay apply TARBALL|URL` */
export const overlayApply = defineCommand({
  usage: "TARBALL|URL",
  description: `
Lays k3OS over the root file system of this machine, or over one that is mounted
at --root, such as a board's card in another machine. TARBALL is
k3os-rootfs-ARCH.tar.gz, with the release's sha256sum-ARCH.txt and its signature
beside it. The next start of the board is one of k3OS, with the board's own
kernel; what /sbin/init was stays beside it, and "k3os overlay remove" puts it
back.

Before anything is changed, everything is checked that the board needs for that:
architecture, room, what its kernel can do, and which program that starts. If
anything fails, or the power does, the board starts as it did before.`,
  options: {
    config: {
      type: "string",
      value: "FILE|URL",
      help: "what becomes /k3os/system/config.yaml (default: what is there stays)",
    },
    root: {
      type: "string",
      value: "DIR",
      help: "the root file system to lay it over (default: /)",
    },
    "allow-downgrade": { type: "boolean", help: "take an older release than the one that is there" },
    "dry-run": { type: "boolean", help: "check everything, and show what would be done" },
    key: {
      type: "string",
      multiple: true,
      value: "KEY",
      help: "trust releases signed with this minisign key (file or text)",
    },
    "insecure-skip-verify": { type: "boolean", help: "take what nobody has signed" },
    ...EVENTS_OPTION,
  },
  maxPositionals: 1,
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
