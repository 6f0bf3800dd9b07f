import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { Host } from "../../tools/host/host.ts";
import type { Arch } from "../../tools/host/targets.ts";

/**
 * The place of a k3s in the cache of downloads, which the build, `npm start` and the tests share:
 * `$XDG_CACHE_HOME/k3os/k3s/VERSION/ARCH/k3s`, by default below `~/.cache`. A file that a user puts there is used as it
 * is.
 */
export function k3sCachePath(version: string, arch: Arch, env: Host["env"]): string {
  const cache = env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return resolve(cache, "k3os/k3s", version, arch, "k3s");
}
