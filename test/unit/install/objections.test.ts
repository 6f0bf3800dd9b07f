import { describe, expect, test } from "bun:test";
import type { InstallFacts } from "../../../lib/install/install-facts.ts";
import type { InstallSettings } from "../../../lib/install/install-settings.ts";
import { findObjections } from "../../../lib/install/objections.ts";
import { GIB } from "../../../lib/tools/fs/size.ts";
import { targetOf } from "../../../lib/tools/host/targets.ts";
import { blockDevice, deviceFacts, facts, SETTINGS } from "./samples.ts";

function messages(settings: Partial<InstallSettings>, more: Partial<InstallFacts>): string[] {
  return findObjections({ ...SETTINGS, ...settings }, facts(more)).map(({ message }) => message);
}

const windows = { path: "/dev/vda1", what: "ntfs", ours: false };

describe("findObjections()", () => {
  test("has none against an empty disk, or one that holds only what is ours", () => {
    const ours = deviceFacts({ occupants: [{ path: "/dev/vda1", what: "ext4", ours: true }] });
    expect(messages({}, {})).toEqual([]);
    expect(messages({}, { device: ours })).toEqual([]);
  });

  test("names the disks there are when none was named", () => {
    expect(messages({ device: undefined }, { device: undefined })).toEqual([
      "Missing DEVICE: expected the disk to install to, found /dev/vda (40 GiB)",
    ]);
    expect(messages({ device: undefined }, { device: undefined, candidates: [] })).toEqual([
      "Missing DEVICE: expected the disk to install to, found no free disk",
    ]);
  });

  test("names all that are labelled where no-format was to find the one by itself", () => {
    const noFormat = { device: undefined, noFormat: true };
    const [none] = messages(noFormat, { device: undefined });
    const [both] = messages(noFormat, { device: undefined, labelled: ["/dev/vda1", "/dev/vdb"] });
    expect(none).toEndWith('the label "K3OS_STATE", but none');
    expect(both).toEndWith('the label "K3OS_STATE", but /dev/vda1, /dev/vdb');
  });

  test("names a device that does not exist", () => {
    expect(messages({ device: "/dev/vdx" }, { device: undefined })).toEqual([
      'Block device not found: "/dev/vdx"',
    ]);
  });

  test("refuses a device that is mounted, is swap, or is part of what we cannot stop, whatever the consent", () => {
    const device = blockDevice({
      children: [
        blockDevice({ path: "/dev/vda1", type: "part", mountpoints: ["/mnt"] }),
        blockDevice({ path: "/dev/vda2", type: "part", mountpoints: ["[SWAP]"] }),
        blockDevice({
          path: "/dev/vda3",
          type: "part",
          children: [blockDevice({ path: "/dev/mapper/mpatha", type: "mpath" })],
        }),
      ],
    });
    const found = findObjections({ ...SETTINGS, force: true }, facts({ device: deviceFacts({ device }) }));
    expect(found.map(({ message, hint }) => [message, hint])).toEqual([
      ['"/dev/vda1" is mounted on "/mnt"', "umount /mnt"],
      ['"/dev/vda2" is in use as swap', "swapoff /dev/vda2"],
      ['"/dev/vda" is in use by "/dev/mapper/mpatha" (mpath)', "multipath -f /dev/mapper/mpatha"],
    ]);
  });

  const volume = blockDevice({ path: "/dev/mapper/vg-root", type: "lvm" });
  const held = blockDevice({
    children: [blockDevice({ path: "/dev/vda1", type: "part", children: [volume] })],
  });

  test("wants consent to stop what was put together of a device and nobody uses", () => {
    const message = '"/dev/vda" is in use by "/dev/mapper/vg-root" (lvm), which would be stopped';
    const device = deviceFacts({ device: held });
    expect(findObjections(SETTINGS, facts({ device }))).toEqual([{ kind: "consent", message }]);
    expect(messages({ force: true }, { device })).toEqual([]);
  });

  test("refuses to stop what somebody uses, or what is on a partition that is kept", () => {
    const used = deviceFacts({ device: held, busy: true });
    expect(messages({ force: true }, { device: used })).toEqual([
      '"/dev/vda" is in use by another program or container',
    ]);
    const state = { type: "ext4", label: "data", uuid: "u", size: 4 * GIB, free: GIB };
    const kept = deviceFacts({ device: held.children[0] ?? held, state, busy: true });
    expect(messages({ noFormat: true, force: true }, { device: kept })).toEqual([
      '"/dev/vda1" is in use by "/dev/mapper/vg-root" (lvm)',
    ]);
  });

  test("refuses a disk with large sectors to a BIOS, which could not start it, and says what can", () => {
    const device = deviceFacts({ device: blockDevice({ sectorSize: 4096 }) });
    expect(findObjections({ ...SETTINGS, force: true }, facts({ device }))).toEqual([
      {
        kind: "refusal",
        message: '"/dev/vda" has sectors of 4096 bytes, and no BIOS starts a system from those',
        hint: expect.stringMatching(/by UEFI .*--force-efi/),
      },
    ]);
    expect(messages({ forceEfi: true }, { device })).toEqual([]);
    expect(messages({}, { device, efiFirmware: true })).toEqual([]);
    expect(messages({}, { device, target: targetOf("arm64") })).toEqual([]);
  });

  test("refuses a device that something out of sight uses, as a container does", () => {
    expect(messages({ force: true }, { device: deviceFacts({ busy: true }) })).toEqual([
      '"/dev/vda" is in use by another program or container',
    ]);
  });

  test("refuses less than 2 GiB, and takes exactly that", () => {
    const small = deviceFacts({ device: blockDevice({ size: 2 * GIB - 512 }) });
    expect(messages({ force: true }, { device: small })).toEqual([
      '"/dev/vda" is too small: it has 2.0 GiB, k3OS needs 2.0 GiB',
    ]);
    expect(messages({}, { device: deviceFacts({ device: blockDevice({ size: 2 * GIB }) }) })).toEqual([]);
  });

  test("asks for consent to erase what is not ours, and takes it", () => {
    const device = deviceFacts({ occupants: [windows] });
    expect(findObjections(SETTINGS, facts({ device }))).toEqual([
      { kind: "consent", message: '"/dev/vda1" holds data that is not of k3OS: ntfs' },
    ]);
    expect(messages({ force: true }, { device })).toEqual([]);
  });

  test("refuses partitions, optical drives and read-only disks", () => {
    const part = deviceFacts({ device: blockDevice({ path: "/dev/vda1", type: "part" }) });
    expect(messages({}, { device: part })[0]).toContain('"/dev/vda1" is a partition: name the whole disk');
    const rom = deviceFacts({ device: blockDevice({ path: "/dev/sr0", type: "rom", readOnly: true }) });
    expect(messages({}, { device: rom })).toEqual([
      '"/dev/sr0" is read-only',
      '"/dev/sr0" is not a disk: found type "rom"',
    ]);
  });

  test("wants ext4 with 2 GiB for no-format, and no consent as nothing is erased", () => {
    const state = { type: "ext4", label: "data", uuid: "u", size: 4 * GIB, free: GIB };
    const part = blockDevice({ path: "/dev/vda1", type: "part" });
    const found = (more: object) => ({ device: deviceFacts({ device: part, state: { ...state, ...more } }) });
    expect(messages({ noFormat: true }, found({}))).toEqual([]);
    expect(messages({ noFormat: true }, found({ type: "xfs" }))).toEqual([
      '"/dev/vda1" has a file system of type "xfs": --no-format needs ext4',
    ]);
    expect(messages({ noFormat: true }, found({ type: undefined }))).toEqual([
      '"/dev/vda1" has no file system: --no-format needs ext4',
    ]);
    expect(messages({ noFormat: true }, found({ size: GIB }))[0]).toContain("too small: 1.0 GiB");
  });

  test("refuses the disk that the running system is on, and says how to replace that", () => {
    const root = blockDevice({ path: "/dev/vda1", type: "part", mountpoints: ["/"] });
    const device = deviceFacts({ device: blockDevice({ children: [root] }), busy: true });
    expect(messages({ force: true }, { device, root })).toEqual([
      '"/dev/vda" holds "/dev/vda1", which is what the running system is on; to replace it: --takeover /dev/vda1',
    ]);
    expect(messages({ noFormat: true }, { device: deviceFacts({ device: root }), root })[0]).toBe(
      '"/dev/vda1" is what the running system is on; to replace it: --takeover /dev/vda1',
    );
  });

  test("has no ISO for 32-bit ARM, and says what to do there", () => {
    expect(messages({}, { target: targetOf("arm") })).toEqual([
      "There is no ISO for arm: unpack k3os-rootfs-arm.tar.gz instead",
    ]);
  });

  test("lets no installation begin whose network could not be carried over", () => {
    const network = { config: undefined, summary: [], problems: ["eth0 has two"] };
    expect(messages({}, { network })).toEqual(["eth0 has two"]);
  });

  test("says all that is wrong at once", () => {
    const device = deviceFacts({ device: blockDevice({ size: GIB }), occupants: [windows] });
    const missing = "Missing programs: sfdisk, partx";
    expect(messages({}, { device, missing, secureBoot: true })).toEqual([
      missing,
      "Secure Boot is on, and what starts k3OS is not signed for it: switch it off in the firmware",
      '"/dev/vda" is too small: it has 1.0 GiB, k3OS needs 2.0 GiB',
      '"/dev/vda1" holds data that is not of k3OS: ntfs',
    ]);
  });

  test("installs from an installed system only to a disk that was named there and then", () => {
    expect(messages({ afterwards: "restart" }, { mode: "local" })[0]).toContain("This is an installed k3OS");
    expect(messages({ afterwards: "return" }, { mode: "local" })).toEqual([]);
  });
});
