import { existsSync, readFileSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { deviceOf } from "../../tools/disk/device-of.ts";
import { eraseEnds } from "../../tools/disk/erase.ts";
import { readSuperblock } from "../../tools/disk/superblock.ts";
import { MIB } from "../../tools/fs/size.ts";
import { cmd } from "../../tools/host/cmd.ts";
import { MARKER, PATH } from "../../tools/host/paths.ts";
import { CommandError } from "../../tools/text/errors.ts";
import type { SystemBoot } from "./boot-step.ts";

/** A partition as the kernel knows it. */
interface Partition {
  readonly device: string;
  readonly disk: string;
  readonly number: number;
  /** Its directory below `/sys/devices`. */
  readonly sys: string;
}

/**
 * Extends the partition and the file system of the running root to the end of its disk, if the installer left the
 * marker. The disk is determined from the mount, since device names (which the marker contains) change from boot to
 * boot. All steps work online. The marker is removed only after all have succeeded, so a failure is retried at the next
 * boot.
 */
export async function growStatePartition(boot: Pick<SystemBoot, "run" | "log">): Promise<void> {
  const marker = join(PATH.base, PATH.system, MARKER.growpart);
  if (!existsSync(marker)) return;
  const { device, disk, number, sys } = partitionOf("/");
  const label = (await boot.run(cmd`sfdisk --dump ${disk}`)).stdout;
  // the backup table of an image on a larger disk is in the middle; it must move before the partition can grow
  if (/^label: gpt$/m.test(label)) await boot.run(cmd`sfdisk --no-reread --relocate gpt-bak-std ${disk}`);
  await boot.run(cmd`sfdisk --no-reread --no-tell-kernel -N ${number} ${disk}`, {
    input: ", +\n",
  });
  await boot.run(cmd`partx --update --nr ${number} ${disk}`);
  eraseTail({ device, disk, number, sys });
  await boot.run(cmd`resize2fs ${device}`);
  rmSync(marker, { recursive: true });
  boot.log.info(`Grew ${device} to the end of ${disk}`);
}

/** The partition with the file system of `path`. Throws CommandError if it is not on a partition. */
function partitionOf(path: string): Partition {
  const { path: device, sys } = deviceOf(path);
  const number = join(sys, "partition");
  if (!existsSync(number)) throw new CommandError(`"${device}" is not a partition`);
  return {
    device,
    disk: `/dev/${basename(dirname(sys))}`,
    number: Number(readFileSync(number, "utf8")),
    sys,
  };
}

/**
 * Clears the end of the grown partition, which the file system does not use yet. An image that was copied to a used
 * disk leaves old data there, and the superblock of an old array would take precedence over the file system's.
 */
function eraseTail({ device, disk, sys }: Partition): void {
  const bytesOf = (name: string) => Number(readFileSync(join(sys, name), "utf8")) * 512; // for any sector size
  const size = bytesOf("size");
  const used = readSuperblock(device)?.size;
  if (used === undefined || size - used < MIB) return;
  eraseEnds(disk, [{ start: bytesOf("start") + size - MIB, size: MIB }], MIB);
}
