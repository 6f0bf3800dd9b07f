import { describe, expect, test } from "bun:test";
import { mkdtempDisposableSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cdrom, readDisc } from "../../../../lib/datasource/local/cdrom.ts";
import { testAccess, userdataOf } from "../../../support/access.ts";

const CONFIG = "#cloud-config\nhostname: node\n";
const ISO = { path: "/dev/sr0", label: "cidata", type: "iso9660" };
const FAT = { path: "/dev/vdb1", label: "CIDATA", type: "vfat" };
const OWN = { path: "/dev/sr0", label: "K3OS", type: "iso9660" };
const OTHER = { path: "/dev/sr1", label: "virtio-win", type: "iso9660" };
const EMPTY = { path: "/dev/sr2", label: "", type: "" };

describe("cdrom", () => {
  test.each([ISO, FAT, OTHER])("reads user data from $path labelled $label", async (device) => {
    using access = testAccess({
      platform: { devices: [device] },
      volumes: { [device.path]: { "user-data": CONFIG } },
    });
    expect(userdataOf(await cdrom.read(access))).toBe(CONFIG);
    expect(access.programs[0]?.argv.slice(0, -1)).toEqual([
      ...["mount", "--types", device.type, "--options", "ro,nosuid,nodev,noexec", device.path],
    ]);
  });

  test("takes the file config where user-data is missing or empty", async () => {
    using access = testAccess({
      platform: { devices: [ISO] },
      volumes: { "/dev/sr0": { "user-data": "", config: CONFIG } },
    });
    expect(userdataOf(await cdrom.read(access))).toBe(CONFIG);
  });

  test("leaves nothing mounted or made", async () => {
    using access = testAccess({
      platform: { devices: [ISO, OTHER, EMPTY] },
      volumes: { "/dev/sr0": {}, "/dev/sr1": { "user-data": CONFIG } },
    });
    await cdrom.read(access);
    expect(access.programs.map(({ argv }) => argv[0])).toEqual(["mount", "umount", "mount", "umount"]);
    expect(readdirSync(join(access.root, "run/k3os"))).toEqual([]);
  });

  test("asks labelled media before the discs in the drives", async () => {
    using access = testAccess({
      platform: { devices: [OTHER, FAT] },
      volumes: { "/dev/sr1": { config: "other" }, "/dev/vdb1": { "user-data": CONFIG } },
    });
    expect(userdataOf(await cdrom.read(access))).toBe(CONFIG);
  });

  test("takes neither k3OS's own medium nor an empty drive for one", async () => {
    using access = testAccess({
      platform: { devices: [OWN, EMPTY] },
      volumes: { "/dev/sr0": { config: CONFIG } },
    });
    expect(await cdrom.read(access)).toBeUndefined();
    expect(access.programs.some(({ argv }) => argv.includes("/dev/sr0"))).toBe(false);
  });

  test("goes on after a medium that cannot be mounted, and fails where there is no other", async () => {
    const broken = { ...FAT, path: "/dev/vdc1" };
    using access = testAccess({
      platform: { devices: [broken, OTHER] },
      volumes: { "/dev/sr1": { "user-data": CONFIG } },
    });
    expect(userdataOf(await cdrom.read(access))).toBe(CONFIG);
    expect(access.notes.join()).toContain("/dev/vdc1: ");
    using alone = testAccess({ platform: { devices: [broken] } });
    await expect(cdrom.read(alone)).rejects.toThrow("no medium found");
  });

  test("does not mount file systems of other kinds", async () => {
    using access = testAccess({ platform: { devices: [{ ...FAT, type: "ext4" }] } });
    expect(await cdrom.read(access)).toBeUndefined();
    expect(access.programs).toEqual([]);
  });

  test("recognises a label only: any disc may lie in a drive", () => {
    const platform = (device: typeof ISO) => testPlatform([device]);
    expect([ISO, FAT].map((device) => cdrom.recognises(platform(device)))).toEqual([true, true]);
    expect([OWN, OTHER, EMPTY].some((device) => cdrom.recognises(platform(device)))).toBe(false);
  });
});

describe("readDisc()", () => {
  test("leaves meta-data out, and says so", () => {
    using disc = mkdtempDisposableSync(join(tmpdir(), "k3os-disc-"));
    using access = testAccess();
    writeFileSync(join(disc.path, "user-data"), CONFIG);
    writeFileSync(join(disc.path, "meta-data"), "local-hostname: other\n");
    expect(Object.keys(readDisc(disc.path, "/dev/sr0", access) ?? {})).toEqual(["userdata"]);
    expect(access.notes.join()).toContain("nocloud");
  });

  test("does not follow a link to a file of the machine", () => {
    using disc = mkdtempDisposableSync(join(tmpdir(), "k3os-disc-"));
    using access = testAccess();
    symlinkSync("/etc/passwd", join(disc.path, "user-data"));
    expect(() => readDisc(disc.path, "/dev/sr0", access)).toThrow("leads out of its directory");
  });

  test("follows a link within the disc", () => {
    using disc = mkdtempDisposableSync(join(tmpdir(), "k3os-disc-"));
    using access = testAccess();
    writeFileSync(join(disc.path, "node.yaml"), CONFIG);
    symlinkSync("node.yaml", join(disc.path, "user-data"));
    expect(userdataOf(readDisc(disc.path, "/dev/sr0", access))).toBe(CONFIG);
  });
});

function testPlatform(devices: readonly (typeof ISO)[]) {
  return { dmi: {}, hypervisorUuid: "", words: [], devices, firmwareConfig: [] };
}
