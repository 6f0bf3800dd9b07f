import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MIB } from "../../lib/tools/fs/size.ts";
import { output } from "./disk.ts";

/** What a disk has been used for before: its partition table, and a file system in each partition but an extended one. */
export interface UsedDiskOptions {
  readonly table: "gpt" | "dos";
  /** Bytes. */
  readonly size: number;
}

const PARTITION = 256 * MIB;
/** INT 18h: a BIOS goes on to the next device. */
const BOOT_CODE = Buffer.from([0xcd, 0x18]);

/** A partition, by what makes a file system of its size in a file; undefined for none. */
interface Use {
  readonly type: string;
  readonly make: readonly string[] | undefined;
}

const USES: Readonly<Record<UsedDiskOptions["table"], readonly Use[]>> = {
  gpt: [
    { type: "uefi", make: ["mkfs.vfat", "-F", "32", "-n", "OLD_ESP"] },
    { type: "linux", make: ["mkfs.ext4", "-q", "-F", "-L", "old-root"] },
    { type: "swap", make: ["mkswap"] },
    { type: "linux", make: ["mkfs.ext4", "-q", "-F", "-L", "old-home"] },
  ],
  dos: [
    { type: "7", make: ["mkfs.vfat", "-F", "32", "-n", "OLD_DATA"] },
    { type: "83", make: ["mkfs.ext4", "-q", "-F", "-L", "old-root"] },
    { type: "5", make: undefined },
    // the table's own fourth is left out: what follows lies in the extended one
    { type: "82", make: ["mkswap"] },
    { type: "83", make: ["mkfs.ext4", "-q", "-F", "-L", "old-home"] },
  ],
};

/** Makes the file `file` a disk that somebody has used: boot code, and partitions with file systems. Needs no root. */
export function makeUsedDisk(file: string, { table, size }: UsedDiskOptions): void {
  const fd = openSync(file, "w");
  try {
    ftruncateSync(fd, size);
  } finally {
    closeSync(fd);
  }
  const uses = USES[table];
  const numbers = uses.map((_, at) => (table === "dos" && at > 2 ? at + 2 : at + 1));
  const lines = uses.map(({ type, make }, at) => {
    // some of them lie behind where k3OS puts its partitions
    const start = table === "gpt" ? `start=${1 + (2 * at * PARTITION) / MIB}MiB, ` : "";
    const extent = make === undefined ? "" : `size=${PARTITION / MIB}MiB, `;
    return `${numbers[at]}: ${start}${extent}type=${type}`;
  });
  output(["sfdisk", "--quiet", "--no-reread", file], `label: ${table}\n${lines.join("\n")}\n`);
  writeAt(file, BOOT_CODE, 0);
  const { partitions } = JSON.parse(output(["sfdisk", "--json", file])).partitiontable;
  for (const [at, { make }] of uses.entries()) {
    if (make !== undefined) putFileSystem(file, partitions[at].start * 512, make);
  }
}

/** Puts what a program makes of a file into another one, at a place in bytes. */
function putFileSystem(file: string, start: number, make: readonly string[]): void {
  const scratch = mkdtempSync(join(tmpdir(), "k3os-used-"));
  try {
    const image = join(scratch, "image");
    output(["truncate", `--size=${PARTITION}`, image]);
    output([...make, image]);
    const copy = ["dd", `if=${image}`, `of=${file}`, "bs=1M", `seek=${start / MIB}`];
    output([...copy, "conv=notrunc,sparse", "status=none"]);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/**
 * Puts the superblock of an md array (version 0.90) where one lies that has a disk of `size` bytes, or its last partition,
 * for a member: 64 KiB before the end, in multiples of that (linux/raid/md_p.h). For blkid(8) it counts for more than a
 * file system before it.
 */
export function addStaleArray(file: string, size: number): void {
  const superblock = Buffer.alloc(4096);
  const words = { 0: 0xa92b4efc, 2: 90, 5: 0x6b33724f, 7: 1, 8: 65536, 9: 2, 10: 2, 13: 1 };
  for (const [at, value] of Object.entries(words)) superblock.writeUInt32LE(value, Number(at) * 4);
  writeAt(file, superblock, Math.floor(size / 65536) * 65536 - 65536);
}

/**
 * What a label of ZFS says of its device, as libblkid looks for it: a list of names and values in XDR (RFC 4506), by OpenZFS
 * called a packed nvlist, with the types of its header `nvpair.h`.
 */
export function zfsLabel(): Buffer {
  const [XDR, LITTLE_ENDIAN, UNIQUE_NAMES, UINT64] = [1, 1, 1, 8];
  const words = (...values: readonly number[]) => {
    const bytes = Buffer.alloc(4 * values.length);
    for (const [at, value] of values.entries()) bytes.writeUInt32BE(value, 4 * at);
    return bytes;
  };
  const pairs = Object.entries({ version: 5000, state: 0, txg: 4, pool_guid: 1, guid: 2 }).map(
    ([name, value]) => {
      const padded = Buffer.from(name.padEnd(4 * Math.ceil(name.length / 4), "\0"));
      const rest = Buffer.concat([words(name.length), padded, words(UINT64, 1, 0, value)]);
      const size = rest.length + 8;
      return Buffer.concat([words(size, size), rest]);
    },
  );
  return Buffer.concat([
    Buffer.from([XDR, LITTLE_ENDIAN, 0, 0]),
    words(0, UNIQUE_NAMES),
    ...pairs,
    words(0, 0),
  ]);
}

function writeAt(file: string, bytes: Buffer, position: number): void {
  const fd = openSync(file, "r+");
  try {
    writeSync(fd, bytes, 0, bytes.length, position);
  } finally {
    closeSync(fd);
  }
}
