import { closeSync, fsyncSync, openSync, readSync } from "node:fs";
import { CommandError } from "../text/errors.ts";
import { writeFully } from "./erase.ts";

const SECTOR = 512;
/** Boot code ends where the disk's signature and the partition table begin. */
const CODE_BYTES = 440;
// GRUB_BOOT_MACHINE_KERNEL_SECTOR, GRUB_BOOT_MACHINE_DRIVE_CHECK:
// https://git.savannah.gnu.org/cgit/grub.git/tree/include/grub/i386/pc/boot.h
const KERNEL_SECTOR = 0x5c;
const DRIVE_CHECK = 0x66;
const NOP = 0x90;

/**
 * The first 440 bytes of a disk that boots a core image lying in sector 1 and following, made from GRUB's `boot.img`.
 * As grub-bios-setup does for hard disks, the check of the drive number becomes two no-ops: some BIOSes pass a wrong one.
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
 * Writes GRUB's core image behind the partition table, and when that is on the disk the boot code: until the last
 * write, of part of one sector, the disk does not boot. `limit`: bytes before the first partition.
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
