import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bootCode, hasBootCode, writeBootCode } from "../../../../lib/tools/disk/boot-sector.ts";
import { MIB } from "../../../../lib/tools/fs/size.ts";

const directory = mkdtempSync(join(tmpdir(), "k3os-boot-sector-"));
afterAll(() => rmSync(directory, { recursive: true }));

function bootImage(): Buffer {
  const image = Buffer.alloc(512, 0x11);
  image.writeUInt16LE(0xaa55, 510);
  return image;
}

function disk(name: string): string {
  const path = join(directory, name);
  writeFileSync(path, Buffer.alloc(4 * MIB, 0xee));
  return path;
}

describe("bootCode()", () => {
  const code = bootCode(bootImage());

  test("leaves the disk's signature and partition table out", () => {
    expect(code.length).toBe(440);
  });

  test("starts the core image at sector 1 and skips the check of the drive number", () => {
    expect(code.readBigUInt64LE(0x5c)).toBe(1n);
    expect([code[0x66], code[0x67]]).toEqual([0x90, 0x90]);
    expect(code[0x68]).toBe(0x11);
  });

  test("refuses what is no boot sector", () => {
    expect(() => bootCode(Buffer.alloc(512))).toThrow("not a boot sector");
    expect(() => bootCode(Buffer.alloc(100))).toThrow("not a boot sector");
  });
});

describe("writeBootCode()", () => {
  test("keeps the partition table, and puts the core image into the sectors behind it", () => {
    const path = disk("write");
    const core = Buffer.alloc(1000, 0xcc);
    writeBootCode(path, bootCode(bootImage()), core, MIB);
    const bytes = readFileSync(path);
    expect(bytes.subarray(0, 440).equals(bootCode(bootImage()))).toBe(true);
    expect(bytes.subarray(440, 512).every((byte) => byte === 0xee)).toBe(true);
    expect(bytes.subarray(512, 1512).equals(core)).toBe(true);
    expect(bytes[1512]).toBe(0xee);
  });

  test("writes nothing when the core image would reach into the first partition", () => {
    const path = disk("too-large");
    expect(() => writeBootCode(path, bootCode(bootImage()), Buffer.alloc(MIB), MIB)).toThrow("does not fit");
    expect(readFileSync(path).every((byte) => byte === 0xee)).toBe(true);
  });
});

test("hasBootCode() sees whether a disk begins with some", () => {
  const path = join(directory, "begin");
  writeFileSync(path, Buffer.alloc(MIB));
  expect(hasBootCode(path)).toBe(false);
  writeBootCode(path, bootCode(bootImage()), Buffer.alloc(100), MIB);
  expect(hasBootCode(path)).toBe(true);
});
