import { closeSync, openSync } from "node:fs";
import type { Host } from "../host/host.ts";
import { tryLock } from "../host/sys.ts";
import { CommandError } from "../text/errors.ts";
import { comesAbout, settle } from "./settle.ts";

/** Has util-linux's programs take no lock of their own on a disk that we have locked: they would wait for us for ever. */
export const LOCKED_BY_US = { LOCK_BLOCK_DEVICE: "no" } as const;

/**
 * Keeps udev away from a whole disk until the scope ends: it then neither reads the partition table anew, which takes the
 * partitions' nodes away for a moment, nor opens a partition to see what is on it. What it has missed it does afterwards.
 * Source: https://systemd.io/BLOCK_DEVICE_LOCKING. Throws CommandError while another program has the lock.
 *
 * Nothing may wait for udev (`udevadm settle`) within the scope: what happens to the disk stays in its queue.
 */
export async function lockDisk(
  disk: string,
  host: Pick<Host, "run" | "root" | "clock">,
): Promise<AsyncDisposable> {
  await settle(host); // what is under way may yet make volumes and arrays of the disk
  const fd = openSync(disk, "r+");
  try {
    if (!(await comesAbout(() => tryLock(fd), host))) {
      throw new CommandError(`Another program has locked "${disk}"`, {
        hint: "try again when it has finished",
      });
    }
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return {
    [Symbol.asyncDispose]: async () => {
      closeSync(fd); // written to and closed: udev looks at it, as far as it has not given up on it
      await settle(host);
    },
  };
}
