import { describe, expect, test } from "bun:test";
import { cutPoints, type DiskWrite, parseWriteLog } from "../../support/write-log.ts";

const SECTOR = 512;

function sector(...fields: readonly [bits: 32 | 64, value: number | bigint][]): Buffer {
  const bytes = Buffer.alloc(SECTOR);
  let at = 0;
  for (const [bits, value] of fields) {
    if (bits === 64) at = bytes.writeBigUInt64LE(BigInt(value), at);
    else at = bytes.writeUInt32LE(Number(value), at);
  }
  return bytes;
}

const superBlock = (version = 1) => sector([64, 0x6a736677736872n], [64, version], [64, 99], [32, SECTOR]);
const header = (first: number, sectors: number, flags = 0) =>
  sector([64, first], [64, sectors], [64, flags], [64, 0]);
const data = (text: string, sectors = 1) => Buffer.alloc(sectors * SECTOR, text);

describe("parseWriteLog()", () => {
  test("reads writes, flushes and discards in order", () => {
    const parts = [
      superBlock(),
      header(8, 2),
      data("a", 2),
      header(0, 0, 1),
      header(16, 4, 4),
      header(3, 1, 2),
    ];
    expect(parseWriteLog(Buffer.concat([...parts, data("b")]))).toEqual([
      { offset: 8 * SECTOR, data: data("a", 2), flush: false },
      { offset: 0, data: Buffer.alloc(0), flush: true },
      { offset: 16 * SECTOR, data: Buffer.alloc(0), flush: false },
      { offset: 3 * SECTOR, data: data("b"), flush: true },
    ]);
  });

  test("ends at zeros, whatever number of entries the super block tells", () => {
    const log = Buffer.concat([superBlock(), header(1, 1), data("a"), data("\0", 4)]);
    expect(parseWriteLog(log)).toHaveLength(1);
  });

  test("leaves out a request that is cut off", () => {
    const whole = Buffer.concat([superBlock(), header(1, 1), data("a"), header(2, 2), data("b", 2)]);
    expect(parseWriteLog(whole)).toHaveLength(2);
    for (const cut of [1, SECTOR, 2 * SECTOR + 8, 3 * SECTOR - 1]) {
      expect(parseWriteLog(whole.subarray(0, whole.length - cut))).toHaveLength(1);
    }
  });

  test("refuses anything else", () => {
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(4096), superBlock(2)]) {
      expect(() => parseWriteLog(bytes)).toThrow("no log of writes");
    }
  });
});

describe("cutPoints()", () => {
  const write = (length = 1): DiskWrite => ({ offset: 0, data: Buffer.alloc(length), flush: false });
  const flush = (length = 0): DiskWrite => ({ offset: 0, data: Buffer.alloc(length), flush: true });

  test("are the start and each request that changes the disk", () => {
    expect(cutPoints([], 9)).toEqual([0]);
    expect(cutPoints([write(), flush(), write(0), write(), flush(1)], 9)).toEqual([0, 1, 4, 5]);
  });

  test("of too many are those around flushes, and of the others some", () => {
    const writes = [
      ...Array.from({ length: 10 }, () => write()),
      flush(),
      ...Array.from({ length: 10 }, () => write()),
    ];
    expect(cutPoints(writes, 4)).toEqual([0, 10, 12, 21]);
    expect(cutPoints(writes, 7)).toEqual([0, 1, 9, 10, 12, 20, 21]);
  });

  test("are no more than asked for, with the first and the last", () => {
    const writes = Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? write() : flush()));
    expect(cutPoints(writes, 5)).toEqual([0, 25, 49, 75, 99]);
  });
});
