import { closeSync, openSync, readSync } from "node:fs";

/** The content of a block device, by its first bytes. */
export interface Superblock {
  readonly type: "ext" | "iso9660" | "vfat";
  readonly label: string;
  /** Of an ext file system, in lower case with hyphens. */
  readonly uuid?: string;
  /** Size of the file system in bytes, if the superblock has it. */
  readonly size?: number;
}

/** The number of bytes that {@link parseSuperblock} reads: up to the end of the ISO 9660 primary volume descriptor. */
export const SUPERBLOCK_BYTES = 34 * 1024;

/**
 * Recognises the file systems that the boot looks for, without a program: an initrd has no blkid.
 * Sources: https://docs.kernel.org/filesystems/ext4/super.html; ECMA-119, section 8.4; and for FAT
 * https://download.microsoft.com/download/1/6/1/161ba512-40e2-4cc9-843a-923143f3456c/fatgen103.doc
 */
export function parseSuperblock(bytes: Buffer): Superblock | undefined {
  if (bytes.length >= 2048 && bytes.readUInt16LE(1024 + 0x38) === 0xef53) {
    const blockSize = 1024 << bytes.readUInt32LE(1024 + 0x18);
    const size = bytes.readUInt32LE(1024 + 0x04) * blockSize;
    return { type: "ext", label: text(bytes, 1024 + 0x78, 16), uuid: uuid(bytes, 1024 + 0x68), size };
  }
  if (bytes.length >= SUPERBLOCK_BYTES && bytes.toString("latin1", 0x8001, 0x8006) === "CD001") {
    const size = bytes.readUInt32LE(0x8000 + 80) * bytes.readUInt16LE(0x8000 + 128);
    return { type: "iso9660", label: text(bytes, 0x8028, 32), size };
  }
  if (bytes.length >= 512 && bytes.readUInt16LE(510) === 0xaa55) {
    if (bytes.toString("latin1", 82, 87) === "FAT32") return { type: "vfat", label: text(bytes, 71, 11) };
    if (bytes.toString("latin1", 54, 57) === "FAT") return { type: "vfat", label: text(bytes, 43, 11) };
  }
  return undefined;
}

function uuid(bytes: Buffer, offset: number): string {
  const hex = bytes.toString("hex", offset, offset + 16);
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function text(bytes: Buffer, offset: number, length: number): string {
  const raw = bytes.toString("utf8", offset, offset + length);
  const end = raw.indexOf("\0");
  return (end === -1 ? raw : raw.slice(0, end)).trim();
}

/** The superblock of a device or image; undefined if it is unknown or cannot be read (an empty drive). */
export function readSuperblock(path: string): Superblock | undefined {
  try {
    const fd = openSync(path, "r");
    try {
      const bytes = Buffer.alloc(SUPERBLOCK_BYTES);
      return parseSuperblock(bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0)));
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined; // no medium (ENOMEDIUM), an I/O error, or a removed device: no usable file system
  }
}
