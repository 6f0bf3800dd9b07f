import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { parseMountinfo } from "../tools/disk/mount.ts";
import { readTextIfThere } from "../tools/fs/read-bounded.ts";
import { cmd } from "../tools/host/cmd.ts";
import type { Host } from "../tools/host/host.ts";
import { inRoot, PATH } from "../tools/host/paths.ts";
import { CommandError } from "../tools/text/errors.ts";

/**
 * Prevents other installations on the machine until the scope ends, and unmounts the leftovers of a killed one.
 * Throws CommandError while another one runs.
 */
export async function lockInstaller(host: Pick<Host, "root" | "run" | "log">): Promise<AsyncDisposable> {
  const directory = inRoot(host, PATH.installDir);
  const path = join(directory, "pid");
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const pid = readTextIfThere(path);
  if (pid !== undefined) {
    const owner = Number(pid);
    if (isRunning(owner)) throw new CommandError(`Another installation is running (process ${owner})`);
    rmSync(path);
    await unmountLeftovers(directory, host);
  }
  claim(path);
  return {
    [Symbol.asyncDispose]: async () => rmSync(path, { force: true }),
  };
}

function claim(path: string): void {
  const fd = openSync(path, "wx");
  try {
    writeSync(fd, `${process.pid}\n`);
  } finally {
    closeSync(fd);
  }
}

function isRunning(pid: number): boolean {
  return Number.isInteger(pid) && pid > 0 && pid !== process.pid && existsSync(`/proc/${pid}`);
}

async function unmountLeftovers(directory: string, host: Pick<Host, "run" | "log">): Promise<void> {
  const mounts = parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8"));
  const ours = mounts.filter(({ target }) => target.startsWith(`${directory}/`)).reverse();
  for (const { target, source } of ours) {
    host.log.info(`Unmounting ${source}, which an interrupted installation left behind`);
    await host.run(cmd`umount ${target}`);
  }
}
