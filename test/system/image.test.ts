import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { moduleName, parseModulesDep } from "../../lib/make/image/module-selection.ts";
import { filesBelow } from "../../lib/tools/fs/walk.ts";
import { runProgram } from "../../lib/tools/host/host.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { FOREIGN_ROOT_LINKS } from "../../lib/tools/node/foreign-root.ts";
import { type CpioMember, readCpio } from "../support/cpio.ts";
import { ARTIFACTS, ISO, type UnpackedImage, unpackImage } from "../support/image.ts";
import { minisign } from "../support/minisign.ts";

/** What the build made for this machine, unpacked and looked at. */
const { arch } = hostTarget();
const artifact = (name: string) => join(ARTIFACTS, name);
const MEGABYTE = 1e6;
const SQUASHFS_XZ = 4; // compression id (squashfs_fs.h)

let image: UnpackedImage;
let medium = "";
let kernel = "";

beforeAll(async () => {
  image = await unpackImage();
  ({ medium, kernel } = image);
});

afterAll(() => image?.[Symbol.dispose]());

describe("checksums", () => {
  test("are those of the artifacts", async () => {
    const sums = `sha256sum-${arch}.txt`;
    const { stdout } = await runProgram(["sha256sum", "--check", "--strict", sums], { cwd: ARTIFACTS });
    for (const name of [
      `k3os-${arch}`,
      `k3os-${arch}.iso`,
      `k3os-rootfs-${arch}.tar.gz`,
      `k3os-image-${arch}.tar`,
    ]) {
      expect(stdout).toContain(`${name}: OK`);
    }
  });

  test("are signed by the key beside them, as minisign and the program itself find", async () => {
    const list = `sha256sum-${arch}.txt`;
    const said = await minisign(ARTIFACTS, ["-V", "-Q", "-p", "k3os.pub", "-m", list]);
    expect(said).toMatch(
      new RegExp(`\\tfile:${list}\\tversion:v\\S+\\tarch:${arch}\\texpires:\\d+\\tsizes:\\S+\\thashed\\n$`),
    );
    const verify = [artifact(`k3os-${arch}`), "release", "verify", "--arch", arch, "--key", "k3os.pub", "."];
    expect((await runProgram(verify, { cwd: ARTIFACTS })).stdout).toContain(`k3os-${arch}.iso: OK\n`);
  });
});

describe("the ISO", () => {
  test("has its label, Joliet names, and boots by BIOS and UEFI", async () => {
    expect((await runProgram(["blkid", "-p", "-s", "LABEL", "-o", "value", ISO])).stdout.trim()).toBe("K3OS");
    const report = await runProgram(["xorriso", "-indev", ISO, "-report_el_torito", "plain"]);
    const platforms = [...report.stdout.matchAll(/boot img\s*:\s*\d+\s+(\w+)\s+y/g)].map(([, name]) => name);
    expect(platforms).toEqual(hostTarget().grub.map((name) => (name === "i386-pc" ? "BIOS" : "UEFI")));
    const descriptors = readFileSync(ISO).subarray(16 * 2048, 20 * 2048);
    expect(descriptors.includes("%/E")).toBe(true); // escape sequence of Joliet level 3, in a supplementary descriptor
  });

  test("boots as a disk: a boot sector, and a partition for UEFI", async () => {
    const sector = readFileSync(ISO).subarray(0, 512);
    expect(sector.readUInt16LE(510)).toBe(0xaa55);
    const { stdout } = await runProgram(["sfdisk", "--dump", ISO]);
    expect(stdout).toMatch(/type=(ef|C12A7328-F81F-11D2-BA4B-00A0C93EC93B)/i);
  });

  test("holds the system, and its links for a root that is not ours", () => {
    const current = (component: string) => readlinkSync(join(medium, "k3os/system", component, "current"));
    expect(readdirSync(join(medium, "k3os/system/kernel", current("kernel"))).sort()).toEqual([
      "initrd",
      "kernel.squashfs",
    ]);
    expect(readdirSync(join(medium, "k3os/system/k3os", current("k3os"))).sort()).toEqual([
      "k3os",
      "k3os.squashfs",
    ]);
    for (const [path, target] of Object.entries(FOREIGN_ROOT_LINKS)) {
      expect(readlinkSync(join(medium, path))).toBe(target);
    }
    expect(readFileSync(join(medium, "k3os/system/config.yaml"), "utf8")).toMatch(/^(#.*\n)+$/);
  });

  test("has a menu that GRUB understands, naming files that are there", async () => {
    const menu = join(medium, "boot/grub/grub.cfg");
    await runProgram(["grub-script-check", menu]);
    const paths = readFileSync(menu, "utf8").match(/\/k3os\/\S+/g) ?? [];
    expect(paths.length).toBeGreaterThan(0);
    expect(paths.filter((path) => !existsSync(join(medium, path)))).toEqual([]);
  });

  test("is at most 450 MB without k3s", () => {
    const k3s = join(medium, "k3os/system/k3s/current/k3s");
    const extra = existsSync(k3s) ? statSync(k3s).size : 0;
    expect(statSync(ISO).size - extra).toBeLessThan(450 * MEGABYTE);
  });
});

describe("the tarball", () => {
  test("has one top directory, the version, with the ISO's system below", async () => {
    const { stdout } = await runProgram([
      "tar",
      "-tvzf",
      artifact(`k3os-rootfs-${arch}.tar.gz`),
      "--numeric-owner",
    ]);
    const lines = stdout.trim().split("\n");
    const paths = lines.map((line) => line.split(/\s+/)[5] ?? "");
    const version = readlinkSync(join(medium, "k3os/system/k3os/current"));
    expect(paths.filter((path) => !path.startsWith(`${version}/`))).toEqual([]);
    expect(paths).toContain(`${version}/k3os/system/k3os/${version}/k3os`);
    expect(paths).toContain(`${version}/sbin/init`);
    expect(lines.filter((line) => line.split(/\s+/)[1] !== "0/0")).toEqual([]);
  });
});

describe("kernel.squashfs", () => {
  test("is compressed as GRUB can read", () => {
    const superblock = readFileSync(artifact(`k3os-kernel-${arch}.squashfs`)).subarray(0, 96);
    expect(superblock.readUInt16LE(20)).toBe(SQUASHFS_XZ);
  });

  test("gives GRUB the kernel", () => {
    const options = { maxBuffer: 64 * MEGABYTE };
    const read = spawnSync(
      "grub-fstest",
      [artifact(`k3os-kernel-${arch}.squashfs`), "cat", "/vmlinuz"],
      options,
    );
    expect(read.stdout.equals(readFileSync(artifact(`k3os-vmlinuz-${arch}`)))).toBe(true);
  });

  test("holds modules of its one version, with depmod's data", () => {
    const version = readFileSync(artifact(`k3os-kernel-version-${arch}`), "utf8").trim();
    expect(readlinkSync(join(medium, "k3os/system/kernel/current"))).toBe(version);
    expect(readFileSync(join(kernel, "version"), "utf8")).toBe(`${version}\n`);
    expect(readdirSync(join(kernel, "lib/modules"))).toEqual([version]);
    const directory = join(kernel, "lib/modules", version);
    for (const name of ["modules.dep.bin", "modules.alias.bin", "modules.builtin.bin"]) {
      expect(statSync(join(directory, name)).size).toBeGreaterThan(0);
    }
  });

  test("holds the firmware of common network cards, and no link that leads nowhere", () => {
    const firmware = join(kernel, "lib/firmware");
    const wanted = [
      "regulatory.db",
      "rtl_nic/rtl8168h-2.fw",
      "bnx2/bnx2-mips-09-6.2.1b.fw",
      "iwlwifi-7265-17.ucode",
    ];
    expect(wanted.filter((path) => !existsSync(join(firmware, path)))).toEqual([]);
    expect(filesBelow(firmware).filter((path) => !existsSync(join(firmware, path)))).toEqual([]);
  });
});

describe("the initrd", () => {
  let members: Map<string, CpioMember>;
  const text = (path: string) => members.get(path)?.content.toString("utf8") ?? "";

  beforeAll(() => {
    const unpacked = spawnSync("zstd", ["-dc", artifact(`k3os-initrd-${arch}`)], {
      maxBuffer: 1024 * MEGABYTE,
    });
    members = readCpio(unpacked.stdout);
  });

  test("is at most 72 MB", () => {
    expect(statSync(artifact(`k3os-initrd-${arch}`)).size).toBeLessThanOrEqual(72 * MEGABYTE);
  });

  test("starts our executable, which is the one published", () => {
    expect(text("init")).toBe("/k3os/system/k3os/current/k3os");
    const executable = members.get(`k3os/system/k3os/${text("k3os/system/k3os/current")}/k3os`);
    expect(executable?.mode).toBe(0o100755);
    expect(executable?.content.equals(readFileSync(artifact(`k3os-${arch}`)))).toBe(true);
  });

  test("has directories to mount on, a shell and e2fsck", () => {
    for (const path of ["dev", "proc", "sys", "run", "mnt"])
      expect((members.get(path)?.mode ?? 0) >> 12).toBe(4);
    for (const path of ["bin/busybox", "sbin/e2fsck"]) expect(members.get(path)?.mode).toBe(0o100755);
    for (const path of ["bin/sh", "bin/mount", "sbin/modprobe"]) expect(text(path)).toBe("/bin/busybox");
  });

  test("links only to what its busybox can do", async () => {
    const { stdout } = await runProgram(["busybox", "--list"]);
    const applets = new Set(stdout.trim().split("\n"));
    const links = [...members.values()].filter(
      ({ content }) => content.toString("latin1") === "/bin/busybox",
    );
    expect(links.map(({ path }) => path.replace(/.*\//, "")).filter((name) => !applets.has(name))).toEqual(
      [],
    );
  });

  test("has the modules that a root may need, unpacked, with all that they depend on", () => {
    const version = readFileSync(artifact(`k3os-kernel-version-${arch}`), "utf8").trim();
    const directory = `lib/modules/${version}`;
    const dependencies = parseModulesDep(text(`${directory}/modules.dep`));
    const names = new Set([...dependencies.keys()].map(moduleName));
    const wanted = [
      "ext4",
      "squashfs",
      "loop",
      "overlay",
      "isofs",
      "vfat",
      "virtio_blk",
      "virtio_scsi",
      "nvme",
      "ahci",
    ];
    const buses = [
      "sd_mod",
      "sr_mod",
      "usb_storage",
      "uas",
      "xhci_pci",
      "mmc_block",
      "hid_generic",
      "usbhid",
    ];
    expect([...wanted, ...buses].filter((name) => !names.has(name))).toEqual([]);
    const needed = [...dependencies].flatMap(([path, others]) => [path, ...others]);
    expect(needed.filter((path) => !members.has(`${directory}/${path}`))).toEqual([]);
    expect([...members.keys()].filter((path) => /\.ko\.(xz|zst|gz)$/.test(path))).toEqual([]);
  });

  test("has an image of network drivers with their firmware, whose index knows both", async () => {
    const scratch = mkdtempSync(join(tmpdir(), "k3os-drivers-"));
    try {
      writeFileSync(join(scratch, "image"), members.get("network.squashfs")?.content ?? "");
      await runProgram([
        "unsquashfs",
        "-no-progress",
        "-dest",
        join(scratch, "root"),
        join(scratch, "image"),
      ]);
      const version = readFileSync(artifact(`k3os-kernel-version-${arch}`), "utf8").trim();
      const [drivers, basic] = [join(scratch, "root/lib/modules", version), `lib/modules/${version}`];
      const dependencies = parseModulesDep(readFileSync(join(drivers, "modules.dep"), "utf8"));
      const needed = [...dependencies].flatMap(([path, others]) => [path, ...others]);
      const isThere = (path: string) => existsSync(join(drivers, path)) || members.has(`${basic}/${path}`);
      expect(needed.filter((path) => !isThere(path))).toEqual([]);
      const names = new Set([...dependencies.keys()].map(moduleName));
      const cards = [
        ...[
          "virtio_net",
          "e1000",
          "e1000e",
          "igb",
          "igc",
          "ixgbe",
          "i40e",
          "ice",
          "r8169",
          "tg3",
          "bnx2",
          "bnx2x",
        ],
        ...[
          "bnxt_en",
          "mlx4_en",
          "mlx5_core",
          "vmxnet3",
          "ena",
          "hv_netvsc",
          "xen_netfront",
          "gve",
          "atlantic",
        ],
        ...["r8152", "ax88179_178a", "cdc_ether", "realtek", "8021q", "ext4"],
      ];
      // some are of one architecture's machines alone
      const here = cards.filter((name) => arch === "amd64" || !["vmxnet3", "xen_netfront"].includes(name));
      expect(here.filter((name) => !names.has(name))).toEqual([]);
      const firmware = readdirSync(join(scratch, "root/lib/firmware"));
      expect(["bnx2", "bnx2x", "rtl_nic", "tigon"].filter((name) => !firmware.includes(name))).toEqual([]);
      expect(members.has("lib/firmware")).toBe(false);
    } finally {
      rmSync(scratch, { recursive: true });
    }
  });
});
