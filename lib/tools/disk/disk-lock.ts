import { closeSync, openSync } from "node:fs";
import type { Host } from "../host/host.ts";
import { tryLock } from "../host/sys.ts";
import { CommandError } from "../text/errors.ts";
import { comesAbout, settle } from "./settle.ts";

/** Tells util-linux programs not to lock a disk that we have locked: they would wait for us forever. */
export const LOCKED_BY_US = { LOCK_BLOCK_DEVICE: "no" } as const;

/**
 * Keeps udev away from a whole disk until the scope ends: udev neither rereads the partition table, which removes the
 * partition nodes for a moment, nor opens a partition to probe it. It handles the missed events afterwards.
 * Source: https://systemd.io/BLOCK_DEVICE_LOCKING. Throws CommandError while another program holds the lock.
 *
 * Do not wait for udev (`udevadm settle`) within the scope: the events of the disk stay in its queue.
 */
export async function lockDisk(
  disk: string,
  host: Pick<Host, "run" | "root" | "clock">,
): Promise<AsyncDisposable> {
  await settle(host); // pending events may still create volumes and arrays from the disk
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
      closeSync(fd); // closed after writing: udev handles the event, unless it has timed out
      await settle(host);
    },
  };
}
