import { describe, expect, test } from "bun:test";
import { diskChoice } from "../../../../lib/install/interview/choose-disk.ts";
import { GIB } from "../../../../lib/tools/fs/size.ts";
import { blockDevice, deviceFacts, facts, SETTINGS } from "../samples.ts";

const known = { settings: SETTINGS, facts: facts() };

describe("diskChoice()", () => {
  test("says what a disk is, how it is attached, and what is on it", () => {
    const device = blockDevice({ transport: "nvme", model: "Disk 9", serial: "S1" });
    const occupants = [
      { path: "/dev/vda1", what: 'ext4 file system "K3OS_STATE"', ours: true },
      { path: "/dev/vda2", what: "ntfs", ours: false },
    ];
    expect(diskChoice(deviceFacts({ device, occupants }), known)).toEqual({
      name: "/dev/vda (40 GiB, nvme, Disk 9, serial S1)",
      value: "/dev/vda",
      description: '  /dev/vda1: ext4 file system "K3OS_STATE" (k3OS)\n  /dev/vda2: ntfs',
    });
    expect(diskChoice(deviceFacts(), known).description).toBe("  empty");
  });

  test("names the first of many partitions", () => {
    const occupants = Array.from({ length: 9 }, (_, at) => ({
      path: `/dev/vda${at}`,
      what: "xfs",
      ours: false,
    }));
    const lines = diskChoice(deviceFacts({ occupants }), known).description?.split("\n");
    expect(lines?.slice(-2)).toEqual(["  /dev/vda4: xfs", "  and 4 more"]);
  });

  test("shows the disk that the system runs from, but does not let it be chosen", () => {
    const stick = blockDevice({
      children: [blockDevice({ path: "/dev/vda1", type: "part", mountpoints: ["/run/k3os/iso"] })],
    });
    expect(diskChoice(deviceFacts({ device: stick }), known)).toMatchObject({
      disabled: "(not usable)",
      description: '  "/dev/vda1" is the medium that this system runs from\n  empty',
    });
  });

  test.each([
    ["too small", blockDevice({ size: GIB }), false],
    ["read-only", blockDevice({ readOnly: true }), false],
    ["in use by another program", blockDevice(), true],
  ])("says that a disk is %s", (why, device, busy) => {
    const choice = diskChoice(deviceFacts({ device, busy }), known);
    expect(choice.disabled).toBe("(not usable)");
    expect(choice.description).toContain(why);
  });

  test("fits into a line", () => {
    const device = blockDevice({ model: "A very long name ".repeat(3).trim(), serial: "S1" });
    const choice = diskChoice(deviceFacts({ device }), known);
    expect(choice.name).toHaveLength(60);
    expect(choice.description).toContain("serial S1");
  });
});
