import { existsSync, readFileSync, realpathSync } from "node:fs";
import type { Host } from "../host.ts";

/** Makes a system directory writable until the scope ends: on a running node it is a mount that is read-only. */
export async function writableSystem(
  system: string,
  host: Pick<Host, "run" | "log">,
): Promise<AsyncDisposable> {
  const path = realpathSync(system);
  if (!isReadOnlyMount(path)) return { [Symbol.asyncDispose]: async () => undefined };
  await host.run(["mount", "-o", "remount,bind,rw", path]);
  return {
    [Symbol.asyncDispose]: async () => {
      await host.run(["mount", "-o", "remount,bind,ro", path]);
    },
  };
}

/** Whether a directory is a mount point that is mounted read-only (proc_pid_mountinfo(5), fields 5 and 6). */
function isReadOnlyMount(path: string): boolean {
  if (!existsSync("/proc/self/mountinfo")) return false;
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  const options = lines.map((line) => line.split(" ")).findLast((fields) => fields[4] === path)?.[5];
  return options?.split(",").includes("ro") ?? false;
}
