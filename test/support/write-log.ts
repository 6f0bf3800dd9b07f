/** A request that reached a disk. */
export interface DiskWrite {
  /** Where the bytes go. */
  readonly offset: number;
  /** Empty for requests that only flush or discard. */
  readonly data: Buffer;
  /** The disk was told to make everything before durable. */
  readonly flush: boolean;
}

const MAGIC = 0x6a736677736872n;
const SUPER_SIZE = 28;
const HEADER_SIZE = 32;
const FLAG = { flush: 1n, fua: 2n, discard: 4n } as const;

/**
 * The requests in a log as dm-log-writes and QEMU's blklogwrites write it, in order; one that is cut off at the end is
 * left out. A super block (magic, version, number of entries: 64 bits each; sector size: 32 bits), then for each request
 * a header (first sector, number of sectors, flags, length of a mark: 64 bits each) and the data, each in whole sectors.
 * The number of entries is brought up to date only now and then: what follows the last entry is nothing, or zeros.
 * Source: Linux, drivers/md/dm-log-writes.c; QEMU, block/blklogwrites.c. Throws Error if this is no such log.
 */
export function parseWriteLog(log: Buffer): DiskWrite[] {
  if (log.length < SUPER_SIZE || log.readBigUInt64LE(0) !== MAGIC || log.readBigUInt64LE(8) !== 1n) {
    throw new Error("This is no log of writes, or one of another version than 1");
  }
  const sectorSize = log.readUInt32LE(24);
  const writes: DiskWrite[] = [];
  for (let at = sectorSize; at + HEADER_SIZE <= log.length; ) {
    const [sector = 0n, sectors = 0n, flags = 0n] = [0, 8, 16].map((field) =>
      log.readBigUInt64LE(at + field),
    );
    if ((sector | sectors | flags) === 0n) break;
    const start = at + sectorSize;
    // the sectors of a discard are not in the log; and what they hold after it is for the disk to choose
    const end = (flags & FLAG.discard) === 0n ? start + Number(sectors) * sectorSize : start;
    if (end > log.length) break;
    const flush = (flags & (FLAG.flush | FLAG.fua)) !== 0n;
    writes.push({ offset: Number(sector) * sectorSize, data: log.subarray(start, end), flush });
    at = end;
  }
  return writes;
}

/**
 * After how many of the requests the power may go: all numbers after which the disk holds something else than before;
 * of too many at most `atMost`, evenly, with the first, the last, and those before and after each flush first of all.
 */
export function cutPoints(writes: readonly DiskWrite[], atMost: number): number[] {
  const changes = (count: number) => (writes[count - 1]?.data.length ?? 0) > 0;
  const all = Array.from({ length: writes.length + 1 }, (_, count) => count).filter(
    (count) => count === 0 || changes(count),
  );
  if (all.length <= atMost) return all;
  const special = all.filter((count, i) => {
    const next = all[i + 1];
    const flushes = (from: number, to: number) => writes.slice(from, to).some(({ flush }) => flush);
    return i === 0 || next === undefined || flushes(count, next) || flushes(all[i - 1] ?? 0, count);
  });
  if (special.length >= atMost) return evenly(special, atMost);
  const others = all.filter((count) => !special.includes(count));
  return [...special, ...evenly(others, atMost - special.length)].sort((a, b) => a - b);
}

/** `count` of the values, the first and the last among them. */
function evenly(values: readonly number[], count: number): number[] {
  const step = (values.length - 1) / Math.max(1, count - 1);
  return Array.from({ length: count }, (_, i) => values[Math.round(i * step)] ?? 0);
}
