import { readFileSync, realpathSync } from "node:fs";
import { parseMountinfo } from "../disk/mount.ts";
import { CommandError, messageOf } from "../errors.ts";
import type { Host } from "../host.ts";

/**
 * Makes `/k3os/system`, which a running system mounts read-only on itself, writable until the scope ends. A directory
 * that is no mount point, or a writable one, is left as it is. Throws CommandError; that it could not be made read-only
 * again is only warned of, as what was done is done.
 */
export async function writable(system: string, host: Pick<Host, "run" | "log">): Promise<AsyncDisposable> {
  const mounts = parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8"));
  const path = realpathSync(system);
  const mount = mounts.findLast(({ target }) => target === path);
  if (!mount?.readOnly) return { [Symbol.asyncDispose]: async () => undefined };
  const remount = (access: "rw" | "ro") => host.run(["mount", "-o", `remount,bind,${access}`, path]);
  try {
    await remount("rw");
  } catch (cause) {
    throw new CommandError(`Cannot make "${path}" writable`, { cause });
  }
  return {
    [Symbol.asyncDispose]: async () => {
      try {
        await remount("ro");
      } catch (error) {
        host.log.warn(`Cannot make "${path}" read-only again: ${messageOf(error)}`);
      }
    },
  };
}
