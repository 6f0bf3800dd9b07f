import { closeSync, fsyncSync, openSync, readSync } from "node:fs";
import { CommandError } from "../text/errors.ts";
import { writeFully } from "./erase.ts";

const SECTOR = 512;
/** Boot code ends at the disk signature and the partition table. */
const CODE_BYTES = 440;
// GRUB_BOOT_MACHINE_KERNEL_SECTOR, GRUB_BOOT_MACHINE_DRIVE_CHECK:
// https://git.savannah.gnu.org/cgit/grub.git/tree/include/grub/i386/pc/boot.h
const KERNEL_SECTOR = 0x5c;
const DRIVE_CHECK = 0x66;
const NOP = 0x90;

/**
 * The first 440 bytes of a disk that boots a core image from sector 1 on, made from GRUB's `boot.img`.
 * Like grub-bios-setup for hard disks, it replaces the check of the drive number with two no-ops: some BIOSes pass a
 * wrong number.
 */
export function bootCode(bootImage: Buffer): Buffer {
  if (bootImage.length !== SECTOR || bootImage.readUInt16LE(510) !== 0xaa55) {
    throw new CommandError(`GRUB's boot.img is not a boot sector (${bootImage.length} bytes)`);
  }
  const code = Buffer.from(bootImage.subarray(0, CODE_BYTES));
  code.writeBigUInt64LE(1n, KERNEL_SECTOR);
  code.fill(NOP, DRIVE_CHECK, DRIVE_CHECK + 2);
  return code;
}

/**
 * Writes GRUB's core image behind the partition table and flushes it, then writes the boot code. The disk does not boot
 * before this last write, of part of one sector. `limit`: bytes before the first partition.
 */
export function writeBootCode(device: string, code: Buffer, coreImage: Buffer, limit: number): void {
  if (SECTOR + coreImage.length > limit) {
    throw new CommandError(
      `GRUB's core image (${coreImage.length} bytes) does not fit before the first partition`,
    );
  }
  const fd = openSync(device, "r+");
  try {
    writeFully(fd, coreImage, SECTOR);
    fsyncSync(fd);
    writeFully(fd, code, 0);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Whether a disk begins with boot code. */
export function hasBootCode(device: string): boolean {
  const fd = openSync(device, "r");
  try {
    const code = Buffer.alloc(CODE_BYTES);
    readSync(fd, code, 0, CODE_BYTES, 0);
    return code.some((byte) => byte !== 0);
  } finally {
    closeSync(fd);
  }
}
