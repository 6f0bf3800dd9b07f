import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FoundDevice, findDevices, mediumCandidates } from "../../../../lib/boot/devices.ts";
import { prepareState } from "../../../../lib/boot/initrd/prepare-state.ts";
import { parseMounts } from "../../../../lib/boot/mounts.ts";
import { hostsFile, withoutPassword } from "../../../../lib/boot/system/identity.ts";
import { createLog } from "../../../../lib/tools/host/log.ts";

function scratch(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "k3os-boot-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

function device(path: string, label: string, type: FoundDevice["type"] = "iso9660"): FoundDevice {
  return { path, label, type, partition: /\d$/.test(path), disk: path.replace(/\d+$/, "") };
}

test("parseMounts() splits fields and decodes blanks in names", () => {
  const [entry] = parseMounts("/dev/sda1 /mnt/my\\040disk ext4 rw,relatime 0 0\n");
  expect(entry).toEqual({
    source: "/dev/sda1",
    path: "/mnt/my disk",
    type: "ext4",
    options: ["rw", "relatime"],
  });
});

test("withoutPassword() empties one user's password and leaves users of similar names alone", () => {
  const shadow = "root:*:1:0:::::\nrancher:!:1:0:::::\nrancher2:!:1:0:::::\n";
  expect(withoutPassword(shadow, "rancher")).toBe(
    "root:*:1:0:::::\nrancher::1:0:::::\nrancher2:!:1:0:::::\n",
  );
});

test("hostsFile() names the machine with and without its domain", () => {
  expect(hostsFile("node-1")).toContain("127.0.1.1\tnode-1 node-1.localdomain\n");
});

test("mediumCandidates() puts labelled media first and never offers the installed system", () => {
  const state = device("/dev/vda1", "K3OS_STATE", "ext");
  const usb = device("/dev/sdb", "K3OS");
  const other = device("/dev/sda1", "DATA", "vfat");
  expect(mediumCandidates([other, state, usb])).toEqual([usb, other]);
});

test("findDevices() sorts whole disks before partitions and leaves RAM disks and loops out", () => {
  using dir = scratch();
  const { path } = dir;
  const iso = Buffer.alloc(34 * 1024);
  iso.write("\x01CD001", 0x8000);
  iso.write("K3OS", 0x8028);
  for (const name of ["sda10", "sda2", "sr0", "loop0", "ram0"]) {
    mkdirSync(join(path, "sys", name), { recursive: true });
    mkdirSync(join(path, "dev"), { recursive: true });
    writeFileSync(join(path, "dev", name), iso);
    if (name.startsWith("sda")) writeFileSync(join(path, "sys", name, "partition"), "1\n");
  }
  const found = findDevices(join(path, "sys"), join(path, "dev"));
  expect(found.map((d) => d.path.slice(path.length))).toEqual(["/dev/sr0", "/dev/sda2", "/dev/sda10"]);
});

test("findDevices() knows the disk of a partition, and both ways to the same one", () => {
  using dir = scratch();
  const { path } = dir;
  const at = (...names: string[]) => join(path, ...names);
  mkdirSync(at("sys"));
  mkdirSync(at("dev"));
  const filesystem = Buffer.alloc(34 * 1024);
  filesystem.writeUInt16LE(0xef53, 1024 + 0x38);
  for (const [disk, wwid] of [
    ["sda", "naa.600"],
    ["sdb", "naa.600"],
    ["sdc", "t10.ATA"],
  ] as const) {
    mkdirSync(at("devices", disk, "device"), { recursive: true });
    writeFileSync(at("devices", disk, "device/wwid"), `${wwid}\n`);
    mkdirSync(at("devices", disk, `${disk}1`));
    writeFileSync(at("devices", disk, `${disk}1/partition`), "1\n");
    symlinkSync(at("devices", disk), at("sys", disk));
    symlinkSync(at("devices", disk, `${disk}1`), at("sys", `${disk}1`));
    writeFileSync(at("dev", `${disk}1`), filesystem);
  }
  const found = findDevices(at("sys"), at("dev"));
  expect(
    found.map(({ disk, partition, identity }) => [disk.slice(path.length), partition, identity]),
  ).toEqual([
    ["/dev/sda", true, "naa.600 1"],
    ["/dev/sdb", true, "naa.600 1"],
    ["/dev/sdc", true, undefined],
  ]);
});

test("prepareState() refuses a system without its executable and says what is missing", async () => {
  using dir = scratch();
  const log = createLog(() => undefined);
  expect(prepareState(dir.path, { log: log as never })).rejects.toThrow("k3os/current/k3os");
});

test("prepareState() resets data once for factory-reset, always for ephemeral, and links what is missing", async () => {
  using dir = scratch();
  const { path } = dir;
  const at = (...names: string[]) => join(path, ...names);
  const lines: string[] = [];
  const host = { log: createLog((line) => lines.push(line)) as never };
  mkdirSync(at("k3os/system/k3os/v1"), { recursive: true });
  writeFileSync(at("k3os/system/k3os/v1/k3os"), "");
  symlinkSync("v1", at("k3os/system/k3os/current"));
  for (const version of ["v1.9.0", "v1.10.0", "v1.10.0-rc1"]) {
    mkdirSync(at("k3os/system/k3s", version), { recursive: true });
    writeFileSync(at("k3os/system/k3s", version, "k3s"), "");
  }
  const fill = () => {
    mkdirSync(at("k3os/data"), { recursive: true });
    writeFileSync(at("k3os/data/file"), "");
  };
  const kept = async () => Bun.file(at("k3os/data/file")).exists();

  fill();
  await prepareState(path, host);
  expect(await kept()).toBe(true);
  writeFileSync(at("k3os/system/factory-reset"), "");
  await prepareState(path, host);
  expect(await kept()).toBe(false);
  fill();
  await prepareState(path, host);
  expect(await kept()).toBe(true);
  writeFileSync(at("k3os/system/ephemeral"), "");
  await prepareState(path, host);
  fill();
  await prepareState(path, host);
  expect(await kept()).toBe(false);

  expect(await Bun.file(at("sbin/init")).exists()).toBe(true);
  const { readlinkSync } = await import("node:fs");
  expect(readlinkSync(at("k3os/system/k3s/current"))).toBe("v1.10.0");
});
