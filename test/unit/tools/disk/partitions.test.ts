import { describe, expect, test } from "bun:test";
import {
  biosLayout,
  efiLayout,
  layoutSize,
  parseSfdisk,
  partitionPath,
  sfdiskScript,
} from "../../../../lib/tools/disk/partitions.ts";
import { GIB, MIB } from "../../../../lib/tools/fs/size.ts";

describe("partitionPath()", () => {
  test.each([
    ["/dev/sda", 1, "/dev/sda1"],
    ["/dev/vda", 12, "/dev/vda12"],
    ["/dev/nvme0n1", 2, "/dev/nvme0n1p2"],
    ["/dev/mmcblk0", 1, "/dev/mmcblk0p1"],
    ["/dev/loop7", 1, "/dev/loop7p1"],
  ])("of %s, number %d, is %s", (disk, number, path) => {
    expect(partitionPath(disk, number)).toBe(path);
  });
});

describe("sfdiskScript()", () => {
  test("of a BIOS layout is an msdos table with one bootable partition", () => {
    expect(sfdiskScript(biosLayout(GIB))).toBe("label: dos\nstart=1MiB, size=1024MiB, type=83, bootable\n");
  });

  test("of an EFI layout is a gpt table whose partitions have our labels as names", () => {
    expect(sfdiskScript(efiLayout(GIB, 512))).toBe(
      [
        "label: gpt",
        "start=1MiB, size=50MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name=K3OS_GRUB",
        "start=51MiB, size=1024MiB, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, name=K3OS_STATE",
        "",
      ].join("\n"),
    );
  });
});

describe("efiLayout()", () => {
  test("makes room for FAT32 on a disk with sectors of 4 KiB", () => {
    const [esp] = efiLayout(GIB, 4096).partitions;
    expect((esp?.size ?? 0) / 4096).toBeGreaterThan(65_525);
  });
});

test("layoutSize() reaches to the end of the last partition, with room for the copy of a gpt", () => {
  expect(layoutSize(efiLayout(GIB, 512))).toBe((1 + 50 + 1024 + 1) * MIB);
});

describe("parseSfdisk()", () => {
  test("gives start and size in bytes, whatever the sector size", () => {
    const partitiontable = {
      label: "gpt",
      sectorsize: 4096,
      partitions: [{ node: "/dev/sda1", start: 256, size: 1024, type: "X", name: "K3OS_GRUB" }],
    };
    expect(parseSfdisk(JSON.stringify({ partitiontable }))).toEqual([
      { path: "/dev/sda1", start: MIB, size: 4 * MIB, name: "K3OS_GRUB" },
    ]);
  });

  test("reads a table without partitions", () => {
    expect(parseSfdisk('{"partitiontable":{"label":"dos","sectorsize":512}}')).toEqual([]);
  });

  test("refuses other JSON", () => {
    expect(() => parseSfdisk("{}")).toThrow("sfdisk printed no");
  });
});
