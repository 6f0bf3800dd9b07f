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
 * marker. The disk is the one that is mounted, since names (which the marker holds) change from boot to boot. All
 * happens online; the marker goes only when everything worked, so that a failure is tried again at the next boot.
 */
export async function growStatePartition(boot: Pick<SystemBoot, "run" | "log">): Promise<void> {
  const marker = join(PATH.base, PATH.system, MARKER.growpart);
  if (!existsSync(marker)) return;
  const { device, disk, number, sys } = partitionOf("/");
  const label = (await boot.run(cmd`sfdisk --dump ${disk}`)).stdout;
  // an image copied to a larger disk has its backup table in the middle; it must move before the partition can grow
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

/** The partition that holds the file system of `path`. Throws CommandError if that is not on a partition. */
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
 * Clears the end of the grown partition, which the file system does not reach yet: an image that was copied to a used disk
 * leaves that as it was, and an array's superblock there would count for more than the file system's.
 */
function eraseTail({ device, disk, sys }: Partition): void {
  const bytesOf = (name: string) => Number(readFileSync(join(sys, name), "utf8")) * 512; // whatever the disk's sectors
  const size = bytesOf("size");
  const used = readSuperblock(device)?.size;
  if (used === undefined || size - used < MIB) return;
  eraseEnds(disk, [{ start: bytesOf("start") + size - MIB, size: MIB }], MIB);
}
