import { existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { isThere } from "../../tools/fs/links.ts";
import { FILE } from "../../tools/host/paths.ts";
import { CommandError } from "../../tools/text/errors.ts";
import type { BootHost } from "../boot-host.ts";
import { resetData } from "./reset-data.ts";

/** Makes a mounted state file system bootable: resets it if a marker says so, checks its parts, makes `/sbin/init`. */
export async function prepareState(root: string, host: Pick<BootHost, "log">): Promise<void> {
  resetData(root, host);
  const system = join(root, "k3os/system");
  requireFile(join(system, "k3os/current", FILE.executable));
  linkNewest(join(system, "k3s"), "k3s", host);
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

/** A `current` link that is missing is set to the newest version there is. */
function linkNewest(component: string, file: string, host: Pick<BootHost, "log">): void {
  const current = join(component, "current");
  if (!existsSync(component) || isThere(current)) return;
  const versions = readdirSync(component).filter((name) => existsSync(join(component, name, file)));
  const newest = versions.sort((a, b) => a.localeCompare(b, "en", { numeric: true })).at(-1);
  if (newest === undefined) return;
  host.log.warn(`${current} was missing: linking it to ${newest}`);
  symlinkSync(newest, current);
}
