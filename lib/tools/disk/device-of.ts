import { existsSync, realpathSync, statSync } from "node:fs";
import { basename } from "node:path";
import { CommandError } from "../text/errors.ts";

/** A block device by the kernel's names. */
export interface DeviceOf {
  /** `/dev/NAME` */
  readonly path: string;
  /** Its directory below `/sys/devices`. */
  readonly sys: string;
}

/**
 * The block device that holds the file system of a path, found by its numbers (linux/kdev_t.h): kernels without an
 * initrd name the root `/dev/root`, which does not exist. Throws CommandError if the path is on no block device.
 */
export function deviceOf(path: string): DeviceOf {
  const { dev } = statSync(path);
  const major = (dev >> 8) & 0xfff;
  const minor = (dev & 0xff) | ((dev >> 12) & 0xfff00);
  const link = `/sys/dev/block/${major}:${minor}`;
  if (!existsSync(link)) throw new CommandError(`"${path}" is not on a block device`);
  const sys = realpathSync(link);
  return { path: `/dev/${basename(sys)}`, sys };
}
