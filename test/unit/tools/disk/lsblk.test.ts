import { describe, expect, test } from "bun:test";
import {
  type BlockDevice,
  describeBlockDevice,
  findBlockDevice,
  installableDisks,
  listDisks,
  parseLsblk,
  withDescendants,
} from "../../../../lib/tools/disk/lsblk.ts";

/** util-linux 2.38: a disk with LVM, a swap disk, an optical drive, an empty card reader, a floppy. */
const OUTPUT = JSON.stringify({
  blockdevices: [
    row("/dev/sda", "disk", 8e9, {
      model: "QEMU HARDDISK   ",
      serial: "QM1",
      tran: "sata",
      children: [
        row("/dev/sda1", "part", 1e9, { mountpoints: ["/boot"] }),
        row("/dev/sda2", "part", 7e9, { children: [row("/dev/mapper/vg-root", "lvm", 7e9)] }),
      ],
    }),
    row("/dev/sdb", "disk", "4000000000", { mountpoints: ["[SWAP]"] }),
    row("/dev/sr0", "rom", 5e8, { ro: false, rm: true }),
    row("/dev/sdc", "disk", 0, { rm: true }),
    row("/dev/fd0", "disk", 4096),
    row("/dev/zram0", "disk", 4096),
    row("/dev/sdd", "disk", 5e9, { ro: true }),
    row("/dev/sde", "disk", 5e9, { children: [row("/dev/sde1", "part", 4e9)] }),
  ],
});

function row(path: string, type: string, size: number | string, more: object = {}): object {
  const usual = { "log-sec": 512, ro: false, rm: false, model: null, serial: null, mountpoints: [null] };
  return { path, type, size, ...usual, ...more };
}

const devices = parseLsblk(OUTPUT);
const [sda] = devices as [BlockDevice];

describe("parseLsblk()", () => {
  test("reads sizes as numbers, trims models, and drops empty mount points", () => {
    expect(sda).toMatchObject({ path: "/dev/sda", size: 8e9, model: "QEMU HARDDISK", mountpoints: [] });
    expect(devices[1]).toMatchObject({ size: 4e9, mountpoints: ["[SWAP]"], model: undefined });
  });

  test("refuses other JSON", () => {
    expect(() => parseLsblk("{}")).toThrow("lsblk printed no");
  });
});

test("withDescendants() lists what is built upon a device, through all levels", () => {
  expect(withDescendants(sda).map(({ path }) => path)).toEqual([
    "/dev/sda",
    "/dev/sda1",
    "/dev/sda2",
    "/dev/mapper/vg-root",
  ]);
});

describe("findBlockDevice()", () => {
  test("finds a partition and the disk it is part of", () => {
    const found = findBlockDevice(devices, "/dev/sda1");
    expect([found?.device.path, found?.disk.path]).toEqual(["/dev/sda1", "/dev/sda"]);
  });

  test("is undefined for an unknown device", () => {
    expect(findBlockDevice(devices, "/dev/sdz")).toBeUndefined();
  });
});

test("listDisks() leaves out what is no disk or empty", () => {
  expect(listDisks(devices).map(({ path }) => path)).toEqual([
    "/dev/sda",
    "/dev/sdb",
    "/dev/sdd",
    "/dev/sde",
  ]);
});

test("installableDisks() leaves out what is read-only, too, or in use in any of its parts", () => {
  expect(installableDisks(devices).map(({ path }) => path)).toEqual(["/dev/sde"]);
});

test("describeBlockDevice() says size, transport, model and serial number as far as known", () => {
  expect(describeBlockDevice(sda)).toBe("/dev/sda (7.5 GiB, sata, QEMU HARDDISK, serial QM1)");
  expect(describeBlockDevice(devices[1] as BlockDevice)).toBe("/dev/sdb (3.7 GiB)");
});
