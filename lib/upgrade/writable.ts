import { readFileSync, realpathSync } from "node:fs";
import { parseMountinfo } from "../tools/disk/mount.ts";
import type { Host } from "../tools/host/host.ts";
import { type MountFlag, mount as setMount } from "../tools/host/sys.ts";
import { CommandError, messageOf } from "../tools/text/errors.ts";

/**
 * Makes `/k3os/system`, which a running system mounts read-only, writable until the scope ends. A directory that is not
 * a mount point, or is writable, is not changed. Throws CommandError; a failure to make it read-only again is only
 * logged as a warning, because the work is done.
 */
export async function writable(system: string, host: Pick<Host, "log">): Promise<AsyncDisposable> {
  const mounts = parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8"));
  const path = realpathSync(system);
  const mount = mounts.findLast(({ target }) => target === path);
  if (!mount?.readOnly) return { [Symbol.asyncDispose]: async () => undefined };
  // with the system call: the controller's container has no program for it
  const remount = (access: readonly MountFlag[]) =>
    setMount("none", path, { flags: ["remount", "bind", ...access] });
  try {
    remount([]);
  } catch (cause) {
    throw new CommandError(`Cannot make "${path}" writable`, { cause });
  }
  return {
    [Symbol.asyncDispose]: async () => {
      try {
        remount(["ro"]);
      } catch (error) {
        host.log.warn(`Cannot make "${path}" read-only again: ${messageOf(error, path)}`);
      }
    },
  };
}
