import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseSuperblock, readSuperblock, SUPERBLOCK_BYTES } from "../../../../lib/tools/disk/superblock.ts";

function image(edit: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.alloc(SUPERBLOCK_BYTES);
  edit(bytes);
  return bytes;
}

describe("parseSuperblock()", () => {
  test("reads label and size of an ext4 file system", () => {
    const bytes = image((b) => {
      b.writeUInt16LE(0xef53, 1024 + 0x38);
      b.writeUInt32LE(2, 1024 + 0x18); // 4 KiB blocks
      b.writeUInt32LE(1000, 1024 + 0x04);
      b.write("11111111222233334444555555555555", 1024 + 0x68, "hex");
      b.write("K3OS_STATE", 1024 + 0x78);
    });
    const uuid = "11111111-2222-3333-4444-555555555555";
    expect(parseSuperblock(bytes)).toEqual({ type: "ext", label: "K3OS_STATE", uuid, size: 4_096_000 });
  });

  test("reads a label that fills its field", () => {
    const bytes = image((b) => {
      b.writeUInt16LE(0xef53, 1024 + 0x38);
      b.write("SIXTEEN-LETTERS!", 1024 + 0x78);
      b.write("next", 1024 + 0x88);
    });
    expect(parseSuperblock(bytes)?.label).toBe("SIXTEEN-LETTERS!");
  });

  test("reads the volume id of an ISO without its padding", () => {
    const bytes = image((b) => {
      b.write("\x01CD001", 0x8000);
      b.write("K3OS".padEnd(32), 0x8028);
      b.writeUInt32LE(10, 0x8000 + 80);
      b.writeUInt16LE(2048, 0x8000 + 128);
    });
    expect(parseSuperblock(bytes)).toEqual({ type: "iso9660", label: "K3OS", size: 20_480 });
  });

  test("takes a hybrid ISO, which starts with a boot sector, for an ISO", () => {
    const bytes = image((b) => {
      b.writeUInt16LE(0xaa55, 510);
      b.write("\x01CD001", 0x8000);
      b.write("K3OS".padEnd(32), 0x8028);
    });
    expect(parseSuperblock(bytes)?.type).toBe("iso9660");
  });

  test("reads the label of FAT32 and FAT16", () => {
    const fat32 = image((b) => {
      b.writeUInt16LE(0xaa55, 510);
      b.write("K3OS_GRUB  FAT32", 71);
    });
    const fat16 = image((b) => {
      b.writeUInt16LE(0xaa55, 510);
      b.write("CIDATA     FAT16", 43);
    });
    expect(parseSuperblock(fat32)).toEqual({ type: "vfat", label: "K3OS_GRUB" });
    expect(parseSuperblock(fat16)).toEqual({ type: "vfat", label: "CIDATA" });
  });

  test("finds nothing in zeros, a bare boot sector, or too few bytes", () => {
    expect(parseSuperblock(image(() => undefined))).toBeUndefined();
    expect(parseSuperblock(image((b) => b.writeUInt16LE(0xaa55, 510)))).toBeUndefined();
    expect(parseSuperblock(Buffer.alloc(100))).toBeUndefined();
    expect(parseSuperblock(Buffer.alloc(0))).toBeUndefined();
  });
});

test("readSuperblock() finds nothing in a short file or a missing one", () => {
  const directory = mkdtempSync(join(tmpdir(), "k3os-superblock-"));
  try {
    writeFileSync(join(directory, "short"), "x");
    expect(readSuperblock(join(directory, "short"))).toBeUndefined();
    expect(readSuperblock(join(directory, "none"))).toBeUndefined();
  } finally {
    rmSync(directory, { recursive: true });
  }
});
