import { describe, expect, test } from "bun:test";
import { partitionOccupant, readDisk } from "../../../lib/install/occupants.ts";
import type { Content } from "../../../lib/tools/disk/blkid.ts";
import type { FoundPartition } from "../../../lib/tools/disk/partitions.ts";
import { GIB, MIB } from "../../../lib/tools/fs/size.ts";
import { testHost } from "../../support/host.ts";

const partition = (more: Partial<FoundPartition> = {}): FoundPartition => {
  return { path: "/dev/vda1", start: MIB, size: GIB, name: undefined, ...more };
};
const data = (type: string, label?: string): Content => ({ kind: "data", type, label, uuid: undefined });

function isOurs(content: Content, one = partition(), others: readonly FoundPartition[] = []): boolean {
  return partitionOccupant(one, [one, ...others], content).ours;
}

describe("partitionOccupant()", () => {
  test("takes our file systems with our labels for ours", () => {
    expect(isOurs(data("ext4", "K3OS_STATE"))).toBe(true);
    expect(isOurs(data("vfat", "K3OS_GRUB"))).toBe(true);
  });

  test("takes any other for foreign, as one of another type with our label", () => {
    expect(isOurs(data("ext4", "data"))).toBe(false);
    expect(isOurs(data("LVM2_member"))).toBe(false);
    expect(isOurs(data("xfs", "K3OS_STATE"))).toBe(false);
    expect(isOurs({ kind: "ambiguous" })).toBe(false);
  });

  test("takes an empty partition for ours only where an interrupted installation leaves one", () => {
    const nothing: Content = { kind: "nothing" };
    expect(isOurs(nothing)).toBe(true);
    expect(isOurs(nothing, partition({ name: "K3OS_STATE", start: 51 * MIB }), [partition()])).toBe(true);
    expect(isOurs(nothing, partition(), [partition({ path: "/dev/vda2" })])).toBe(false);
    expect(isOurs(nothing, partition({ start: 2 * MIB }))).toBe(false);
    expect(isOurs(nothing, partition({ name: "data" }))).toBe(false);
  });

  test("says what it is", () => {
    expect(partitionOccupant(partition(), [], data("ntfs", "Windows")).what).toBe(
      'ntfs file system "Windows"',
    );
    expect(partitionOccupant(partition(), [], { kind: "nothing" }).what).toBe(
      "partition of 1.0 GiB without a known file system",
    );
  });
});

describe("readDisk()", () => {
  test("takes a damaged partition table for foreign data, and not for an end of it all", async () => {
    using host = testHost({
      answer: ([program]) => {
        if (program === "blkid") return { stdout: "PTTYPE=gpt\n" };
        return { code: 1, stderr: "failed to load" };
      },
    });
    expect(await readDisk("/dev/vda", host)).toEqual({
      occupants: [
        {
          path: "/dev/vda",
          what: 'partition table of type "gpt" that cannot be read: sfdisk: failed to load',
          ours: false,
        },
      ],
      partitions: [],
    });
  });

  test("has the partitions of the table beside what is on them", async () => {
    const partitions = [{ node: "/dev/vda1", start: 2048, size: 4096 }];
    using host = testHost({
      answer: (argv) => {
        if (argv[0] === "sfdisk") return { stdout: JSON.stringify({ partitiontable: { partitions } }) };
        return { stdout: argv.includes("--offset") ? "TYPE=swap\n" : "PTTYPE=dos\n" };
      },
    });
    expect(await readDisk("/dev/vda", host)).toEqual({
      occupants: [{ path: "/dev/vda1", what: "swap", ours: false }],
      partitions: [{ path: "/dev/vda1", start: MIB, size: 2 * MIB, name: undefined }],
    });
  });
});
