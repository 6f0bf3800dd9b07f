import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { isThere } from "../../tools/fs/links.ts";
import { versionsOf } from "../../tools/generation/generation-links.ts";
import { type Component, FILE } from "../../tools/host/paths.ts";
import { CommandError } from "../../tools/text/errors.ts";
import type { BootHost } from "../boot-host.ts";
import { resetData } from "./reset-data.ts";

/**
 * Makes a mounted state file system bootable: resets it if a marker requests it, checks its contents, creates
 * `/sbin/init`.
 */
export async function prepareState(root: string, host: Pick<BootHost, "log">): Promise<void> {
  resetData(root, host);
  const system = join(root, "k3os/system");
  requireFile(join(system, "k3os/current", FILE.executable));
  linkNewest(system, "k3s", host);
  const init = join(root, "sbin/init");
  if (isThere(init)) return;
  mkdirSync(join(root, "sbin"), { recursive: true });
  symlinkSync(join("../k3os/system/k3os/current", FILE.executable), init);
}

function requireFile(path: string): void {
  if (existsSync(path)) return;
  throw new CommandError(`The installed system is incomplete: "${path}" is missing`, {
    hint: 'boot "k3OS Rescue", or the installation medium, and restore it',
  });
}

/** Sets a missing `current` link to the newest installed version. */
function linkNewest(system: string, component: Component, host: Pick<BootHost, "log">): void {
  const current = join(system, component, "current");
  if (isThere(current)) return;
  const newest = versionsOf(system, component).findLast((version) => {
    return existsSync(join(system, component, version, component));
  });
  if (newest === undefined) return;
  host.log.warn(`${current} was missing: linking it to ${newest}`);
  symlinkSync(newest, current);
}
