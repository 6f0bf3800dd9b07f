import { describe, expect, test } from "bun:test";
import type { InstallFacts } from "../../../../lib/install/install-facts.ts";
import type { GrubFacts, TakeoverFacts } from "../../../../lib/install/takeover/takeover-facts.ts";
import { takeoverObjections } from "../../../../lib/install/takeover/takeover-objections.ts";
import { GIB } from "../../../../lib/tools/fs/size.ts";
import { blockDevice, deviceFacts, facts } from "../samples.ts";

const ROOT = blockDevice({ path: "/dev/vda1", type: "part", mountpoints: ["/"] });
const GRUB: GrubFacts = {
  directory: "/boot/grub",
  plainMenu: true,
  plainEnvironment: true,
  hasEnvironment: true,
  platform: "i386-pc",
  version: "2.12-9",
  missingModules: [],
};
const GOOD: TakeoverFacts = {
  state: { type: "ext4", label: "root", uuid: "1b2c", size: 10 * GIB, free: 8 * GIB },
  writable: true,
  free: 8 * GIB,
  apart: [],
  grub: GRUB,
  record: undefined,
  foreignTree: false,
  otherStates: [],
};

function objections(more: Partial<TakeoverFacts>, machine: Partial<InstallFacts> = {}): string[] {
  const device = deviceFacts({ device: ROOT });
  return takeoverObjections(facts({ root: ROOT, device, takeover: { ...GOOD, ...more }, ...machine }));
}

describe("takeoverObjections()", () => {
  test("has none against a plain machine", () => {
    expect(objections({})).toEqual([]);
  });

  test.each<[string, Partial<TakeoverFacts>]>([
    [
      '"/" has a file system of type "xfs": --takeover needs ext4',
      { state: { ...GOOD.state, type: "xfs" } as never },
    ],
    ['"/" is mounted read-only: mount -o remount,rw /', { writable: false }],
    ['"/boot" is on a file system of its own: --takeover needs it on that of "/"', { apart: ["/boot"] }],
    ['There is a "/k3os" that no takeover has made: move it away', { foreignTree: true }],
    [
      '"/dev/vdb1" is also labelled "K3OS_STATE": the new system must be the only one',
      { otherStates: ["/dev/vdb1"] },
    ],
    [
      "There is no /boot/grub/grub.cfg nor /boot/grub2/grub.cfg: --takeover needs GRUB 2",
      { grub: undefined },
    ],
    ['"/boot/grub/grub.cfg" is not a plain file', { grub: { ...GRUB, plainMenu: false } }],
    [
      '"/boot/grub/grubenv" is not a plain file of GRUB, so it cannot record a failed boot',
      { grub: { ...GRUB, plainEnvironment: false } },
    ],
    [
      "GRUB 2.12-9 has no squash4.mod in /boot/grub/i386-pc: run grub-install for this machine first",
      { grub: { ...GRUB, missingModules: ["squash4"] } },
    ],
  ])("%s", (message, more) => {
    expect(objections(more)).toEqual([message]);
  });

  test("wants / on a plain partition", () => {
    const volume = blockDevice({ path: "/dev/mapper/vg-root", type: "lvm", mountpoints: ["/"] });
    expect(objections({}, { root: volume, device: deviceFacts({ device: volume }) })).toEqual([
      '"/" is on "/dev/mapper/vg-root" (lvm): --takeover needs a plain partition',
    ]);
    expect(objections({}, { root: undefined })[0]).toContain("not on a device that can be found");
  });

  test("wants no other device than that of /", () => {
    const other = deviceFacts({ device: blockDevice({ path: "/dev/vdb1", type: "part" }) });
    expect(objections({}, { device: other })).toEqual([
      '"/dev/vdb1" is not what "/" is on: --takeover needs "/dev/vda1"',
    ]);
    expect(objections({}, { device: undefined })[0]).toContain("Device not found");
  });

  test("says all at once", () => {
    expect(objections({ writable: false, apart: ["/boot", "/k3os"], grub: undefined })).toHaveLength(4);
  });
});
