import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";

/** A range of a disk, in bytes. */
export interface Range {
  readonly start: number;
  readonly size: number;
}

/**
 * Overwrites the first and the last `bytes` of each range of a device, in order. They hold boot code, a partition
 * table, the backup of a gpt, and the signatures of file systems, volume groups and arrays.
 */
export function eraseEnds(device: string, ranges: readonly Range[], bytes: number): void {
  const fd = openSync(device, "r+");
  try {
    for (const { start, size } of ranges) {
      const zeros = Buffer.alloc(Math.min(bytes, size));
      for (const position of new Set([start, start + size - zeros.length])) {
        writeFully(fd, zeros, position);
        fsyncSync(fd);
      }
    }
  } finally {
    closeSync(fd);
  }
}

/** Writes all of `bytes` to an open device. */
export function writeFully(fd: number, bytes: Buffer, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
}
