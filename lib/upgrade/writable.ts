import { readFileSync, realpathSync } from "node:fs";
import { parseMountinfo } from "../tools/disk/mount.ts";
import type { Host } from "../tools/host/host.ts";
import { type MountFlag, mount as setMount } from "../tools/host/sys.ts";
import { CommandError, messageOf } from "../tools/text/errors.ts";

/**
 * Makes `/k3os/system`, which a running system mounts read-only on itself, writable until the scope ends. A directory
 * that is no mount point, or a writable one, is left as it is. Throws CommandError; that it could not be made read-only
 * again is only warned of, as what was done is done.
 */
export async function writable(system: string, host: Pick<Host, "log">): Promise<AsyncDisposable> {
  const mounts = parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8"));
  const path = realpathSync(system);
  const mount = mounts.findLast(({ target }) => target === path);
  if (!mount?.readOnly) return { [Symbol.asyncDispose]: async () => undefined };
  // by the system call: the controller's container holds no program for it
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
        host.log.warn(`Cannot make "${path}" read-only again: ${messageOf(error)}`);
      }
    },
  };
}
