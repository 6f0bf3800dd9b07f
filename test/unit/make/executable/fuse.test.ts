import { describe, expect, test } from "bun:test";
import { fuse } from "../../../../lib/make/executable/fuse.ts";
import { PT, parseElf, SEGMENT_SIZE } from "../../../../lib/tools/fs/elf-header.ts";
import { elfFile, segment } from "../../../support/elf.ts";

const MARK = "k3os fused musl\0";

const program = elfFile({
  entry: 0x201000,
  segments: [
    segment({ type: PT.phdr, address: 0x200040 }),
    segment({ type: PT.interp, address: 0x200100 }),
    segment({ address: 0x200000 }),
    segment({ address: 0x220000, memorySize: 0x54321 }),
    segment({ type: PT.tls, address: 0x220000 }),
    segment({ type: PT.dynamic, address: 0x220080 }),
  ],
  content: "the program",
});
const loader = elfFile({
  type: 3,
  entry: 0x80,
  segments: [segment({}), segment({ address: 0x30000, offset: 0x10000, memorySize: 0x2000 })],
  content: `the loader ${MARK}${"\0".repeat(40)}`,
});
const library = elfFile({ type: 3, segments: [segment({})], content: "the library" });

describe("fuse()", () => {
  const fused = fuse({ program, loader, library });
  const header = parseElf(fused);
  const loads = header.segments.filter((s) => s.type === PT.load);

  test("maps the parts one behind the other, in the order of their addresses", () => {
    expect(loads.length).toBe(2 + 2 + 1 + 1);
    for (const [i, next] of loads.slice(1).entries()) {
      const { address = 0, memorySize = 0 } = loads[i] ?? {};
      expect(next.address).toBeGreaterThanOrEqual(address + memorySize);
    }
  });

  test("maps every byte from where it lies in the file, on pages of 64 KiB too", () => {
    for (const { address, offset, fileSize } of loads) {
      expect(address % 0x10000).toBe(offset % 0x10000);
      expect(offset + fileSize).toBeLessThanOrEqual(fused.length);
    }
    for (const [part, name] of [
      [loader, "loader"],
      [library, "library"],
    ] as const) {
      const start = fused.indexOf(`the ${name}`) - part.indexOf(`the ${name}`);
      expect(loads.some(({ offset }) => offset === start)).toBe(true);
    }
  });

  test("shows the kernel neither an interpreter nor a dynamic section", () => {
    const types = header.segments.map((s) => s.type);
    expect(types).not.toContain(PT.interp);
    expect(types).not.toContain(PT.dynamic);
    expect(types).toContain(PT.tls);
  });

  test("starts at the loader and tells it where everything is", () => {
    const at = fused.indexOf(MARK) + MARK.length;
    const word = (i: number) => Number(fused.readBigUInt64LE(at + 8 * i));
    const loaderAt = word(0);
    expect(header.entry).toBe(loaderAt + 0x80);
    expect(loads[2]?.address).toBe(loaderAt);
    expect(word(1)).toBe(0x201000);
    expect(word(3)).toBe(6);
    expect(word(4)).toBe(loads[4]?.address ?? 0);

    // the program's own headers, as the loader finds them in memory
    const tables = loads[5];
    const copy = (tables?.offset ?? 0) + word(2) - (tables?.address ?? 0);
    const types = Array.from({ length: 6 }, (_, i) => fused.readUInt32LE(copy + i * SEGMENT_SIZE));
    expect(types).toEqual([PT.phdr, PT.interp, PT.load, PT.load, PT.tls, PT.dynamic]);
    expect(Number(fused.readBigUInt64LE(copy + 16))).toBe(word(2)); // p_vaddr of PT_PHDR
  });

  test("leaves out the whole pages of what is not used, and maps the rest where it was", () => {
    const content = "a".repeat(0x8000) + "-".repeat(0x38000) + "b".repeat(0x8000);
    const segments = [
      segment({ address: 0x200000, fileSize: 0x40000, memorySize: 0x40000 }),
      segment({ address: 0x250000, offset: 0x40000, fileSize: 0x8000, memorySize: 0x8000 }),
    ];
    const large = elfFile({ entry: 0x201000, segments, content: content.padEnd(0x48000, "c") });
    const size = fuse({ program: large, loader, library }).length;
    const smaller = fuse({ program: large, loader, library, unused: { start: 0xf000, end: 0x38000 } });
    expect(smaller.length).toBe(size - 0x20000 + SEGMENT_SIZE);
    const mapped = parseElf(smaller).segments.filter((s) => s.type === PT.load && s.address < 0x258000);
    expect(mapped.map(({ address, offset, fileSize }) => [address, offset, fileSize])).toEqual([
      [0x200000, 0, 0x10000],
      [0x230000, 0x10000, 0x10000],
      [0x250000, 0x20000, 0x8000],
    ]);
    expect(smaller.subarray(0x10000, 0x28000).equals(large.subarray(0x30000, 0x48000))).toBe(true);
  });

  test("refuses a program that may lie anywhere in memory", () => {
    const movable = elfFile({ type: 3, segments: [segment({})] });
    expect(() => fuse({ program: movable, loader, library })).toThrow("position-dependent");
  });

  test("refuses a loader that has no place for the addresses", () => {
    const foreign = elfFile({ type: 3, segments: [segment({})], content: "another loader" });
    expect(() => fuse({ program, loader: foreign, library })).toThrow('to hold "k3os fused musl" once');
  });
});
