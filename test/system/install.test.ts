import { describe, expect, test } from "bun:test";
import { existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { looksLikeMedium } from "../../lib/install/medium.ts";
import { serveFiles } from "../../lib/make/vm/http-server.ts";
import { parseExport } from "../../lib/tools/disk/blkid.ts";
import { bootCode, hasBootCode } from "../../lib/tools/disk/boot-sector.ts";
import { GIB, MIB } from "../../lib/tools/fs/size.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { makeDisk, output, whileMounted } from "../support/disk.ts";
import { createInstaller } from "../support/installer.ts";
import { serveRelease } from "../support/release.ts";

const probe = (device: string) => parseExport(output(["blkid", "--probe", "--output", "export", device]));
const table = (device: string) => JSON.parse(output(["sfdisk", "--json", device])).partitiontable;
const mode = (path: string) => lstatSync(path).mode & 0o777;

describe("k3os install for a BIOS", () => {
  test("makes an msdos disk with one bootable partition of its own file system", async () => {
    using disk = makeDisk();
    using installer = createInstaller();
    expect(await installer.run([disk.path])).toBe(0);
    const { label, partitions } = table(disk.path);
    expect(label).toBe("dos");
    expect(partitions).toEqual([
      { node: `${disk.path}p1`, start: 2048, size: GIB / 512, type: "83", bootable: true },
    ]);
    const state = probe(`${disk.path}p1`);
    expect([state.get("TYPE"), state.get("LABEL")]).toEqual(["ext4", "K3OS_STATE"]);
    output(["e2fsck", "-fn", `${disk.path}p1`]);
    const features =
      /^Filesystem features:(.*)$/m.exec(output(["dumpe2fs", "-h", `${disk.path}p1`]))?.[1] ?? "";
    expect(features).not.toMatch(/metadata_csum_seed|orphan_file|inline_data/);
  });

  test("copies the medium, links and permissions included", async () => {
    using disk = makeDisk();
    using installer = createInstaller();
    await installer.run([disk.path]);
    await whileMounted(`${disk.path}p1`, (root) => {
      expect(looksLikeMedium(root)).toBe(true);
      output([
        "diff",
        "--recursive",
        "--no-dereference",
        "--exclude=config.yaml",
        "--exclude=growpart",
        join(installer.medium, "k3os/system"),
        join(root, "k3os/system"),
      ]);
      expect(readlinkSync(join(root, "k3os/system/kernel/current"))).toBe("6.12.1");
      expect(mode(join(root, "k3os/system/k3os/current/k3os"))).toBe(0o755);
      expect(existsSync(join(root, "k3os/data/opt"))).toBe(true);
      expect(readFileSync(join(root, "k3os/system/growpart"), "utf8")).toBe(`${disk.path} 1\n`);
    });
  });

  test("puts GRUB's boot code, core image, menu and modules in place", async () => {
    using disk = makeDisk();
    using installer = createInstaller();
    await installer.run(["--tty", "ttyS0,115200", "--debug", disk.path]);
    const sector = disk.start(MIB);
    const image = readFileSync("/usr/lib/grub/i386-pc/boot.img");
    expect(sector.subarray(0, 440).equals(bootCode(image))).toBe(true);
    await whileMounted(`${disk.path}p1`, (root) => {
      const core = readFileSync(join(root, "boot/grub/i386-pc/core.img"));
      expect(sector.subarray(512, 512 + core.length).equals(core)).toBe(true);
      const menu = join(root, "boot/grub/grub.cfg");
      output(["grub-script-check", menu]);
      const text = readFileSync(menu, "utf8");
      expect(text).toContain(`--fs-uuid ${probe(`${disk.path}p1`).get("UUID")}`);
      expect(text).toContain("console=tty1 console=ttyS0,115200 k3os.debug $trial\n");
      expect(lstatSync(join(root, "boot/grub/grubenv")).size).toBe(1024);
      expect(existsSync(join(root, "boot/grub/i386-pc/normal.mod"))).toBe(true);
    });
  });

  test("gives the installed system the configuration of a URL, for root's eyes only", async () => {
    using disk = makeDisk();
    using installer = createInstaller();
    await using server = await serveFiles({ "/c.yaml": "hostname: node1 # mine\nk3os: {token: T}\n" });
    await installer.run(["--config", `http://127.0.0.1:${server.port}/c.yaml`, disk.path]);
    await whileMounted(`${disk.path}p1`, (root) => {
      const path = join(root, "k3os/system/config.yaml");
      expect(readFileSync(path, "utf8")).toBe("hostname: node1 # mine\nk3os: {token: T}\n");
      expect(mode(path)).toBe(0o600);
    });
  });

  test("gives it that of the running system otherwise, and restarts by itself when told by that", async () => {
    using disk = makeDisk();
    using installer = createInstaller();
    const words = `quiet hostname=node2 k3os.install.device=${disk.path} k3os.install.silent`;
    mkdirSync(join(installer.root, "proc"));
    writeFileSync(join(installer.root, "proc/cmdline"), words);
    const restarts: string[] = [];
    const real = (await import("../../lib/tools/host/host.ts")).runProgram;
    const run: typeof real = async (argv, options) => {
      if (argv[0] !== "reboot") return await real(argv, options);
      restarts.push(argv.join(" "));
      return { code: 0, stdout: "", stderr: "" };
    };
    expect(await installer.run([], { run })).toBe(0);
    expect(restarts).toEqual(["reboot"]);
    await whileMounted(`${disk.path}p1`, (root) => {
      expect(readFileSync(join(root, "k3os/system/config.yaml"), "utf8")).toBe("hostname: node2\n");
    });
  });

  test("installs over an installation without asking for consent", async () => {
    using disk = makeDisk();
    using installer = createInstaller();
    await installer.run([disk.path]);
    const before = probe(`${disk.path}p1`).get("UUID");
    expect(await installer.run([disk.path])).toBe(0);
    expect(probe(`${disk.path}p1`).get("UUID")).not.toBe(before);
  });

  test("replaces foreign data with --force, and leaves no signature of it", async () => {
    using disk = makeDisk();
    using installer = createInstaller();
    output(["sfdisk", "--quiet", disk.path], "label: gpt\nsize=1GiB\nsize=2GiB\n");
    output(["partx", "--update", disk.path]);
    output(["mkfs.ext4", "-q", "-L", "data", `${disk.path}p2`]);
    expect(await installer.run(["--force", disk.path])).toBe(0);
    expect(table(disk.path).label).toBe("dos");
    expect(output(["sh", "-c", `blkid --probe --offset ${1025 * MIB} ${disk.path} || true`])).toBe("");
    expect(output(["wipefs", "--noheadings", "--output", "TYPE", disk.path])).toBe("dos");
  });
});

describe("k3os install for UEFI", () => {
  test("makes a gpt disk whose EFI system partition holds the boot loader", async () => {
    using disk = makeDisk();
    using installer = createInstaller();
    expect(await installer.run(["--force-efi", disk.path])).toBe(0);
    const { label, partitions } = table(disk.path);
    expect(label).toBe("gpt");
    expect(partitions.map(({ name }: { name: string }) => name)).toEqual(["K3OS_GRUB", "K3OS_STATE"]);
    const esp = probe(`${disk.path}p1`);
    expect([esp.get("TYPE"), esp.get("LABEL"), esp.get("VERSION")]).toEqual(["vfat", "K3OS_GRUB", "FAT32"]);
    expect(probe(`${disk.path}p2`).get("LABEL")).toBe("K3OS_STATE");
    output(["fsck.vfat", "-n", `${disk.path}p1`]);
    const loader = join(installer.root, "loader.efi");
    output(["mcopy", "-i", `${disk.path}p1`, "::/EFI/BOOT/BOOTX64.EFI", loader]);
    await whileMounted(`${disk.path}p2`, (root) => {
      const core = readFileSync(join(root, "boot/grub/x86_64-efi/core.img"));
      expect(readFileSync(loader).equals(core)).toBe(true);
      expect(core.toString("latin1", 0, 2)).toBe("MZ");
      expect(readFileSync(join(root, "k3os/system/growpart"), "utf8")).toBe(`${disk.path} 2\n`);
    });
    expect(hasBootCode(disk.path)).toBe(false);
  });
});

describe("k3os install --no-format", () => {
  test("keeps layout, data and boot loader, and relabels", async () => {
    using disk = makeDisk();
    using installer = createInstaller();
    output(["sfdisk", "--quiet", disk.path], "label: dos\nstart=4096, size=3GiB, type=83\n");
    output(["partx", "--update", disk.path]);
    const state = `${disk.path}p1`;
    output(["mkfs.ext4", "-q", "-L", "mine", "-O", "^metadata_csum_seed", state]);
    const root = join(installer.root, "mnt");
    mkdirSync(root);
    output(["mount", state, root]);
    mkdirSync(join(root, "home"));
    writeFileSync(join(root, "home/file"), "kept\n");
    mkdirSync(join(root, "k3os/system"), { recursive: true });
    writeFileSync(join(root, "k3os/system/config.yaml"), "hostname: before\n");
    output(["umount", root]);
    const uuid = probe(state).get("UUID");
    const start = disk.start(2 * MIB);

    expect(await installer.run(["--no-format", state])).toBe(0);
    expect(disk.start(2 * MIB).equals(start)).toBe(true);
    expect([probe(state).get("UUID"), probe(state).get("LABEL")]).toEqual([uuid, "K3OS_STATE"]);
    await whileMounted(state, (root) => {
      expect(readFileSync(join(root, "home/file"), "utf8")).toBe("kept\n");
      expect(readFileSync(join(root, "k3os/system/config.yaml"), "utf8")).toBe("hostname: before\n");
      expect(looksLikeMedium(root)).toBe(true);
      expect(existsSync(join(root, "k3os/system/growpart"))).toBe(false);
      expect(existsSync(join(root, "boot/grub/i386-pc"))).toBe(false);
      expect(readFileSync(join(root, "boot/grub/grub.cfg"), "utf8")).toContain(`--fs-uuid ${uuid}`);
    });
  });
});

describe("k3os install --dry-run", () => {
  test("shows the plan and changes nothing", async () => {
    using disk = makeDisk();
    using installer = createInstaller();
    const before = disk.hash();
    expect(await installer.run(["--dry-run", disk.path])).toBe(0);
    expect(disk.hash()).toBe(before);
    expect(installer.printed.join("")).toContain(`to ${disk.path} (4.0 GiB)`);
    expect(installer.printed.join("")).toContain("start=1MiB, size=1024MiB, type=83, bootable");
  });
});

describe("the installation medium", () => {
  test("may be an ISO from the network, which is inspected before anything is written", async () => {
    using disk = makeDisk();
    using installer = createInstaller();
    const image = join(installer.root, "medium.img");
    output(["mksquashfs", installer.medium, image, "-quiet", "-no-progress"]);
    const name = `k3os-${hostTarget().arch}.iso`;
    await using release = await serveRelease({ [name]: readFileSync(image) });
    const url = `http://127.0.0.1:${release.port}/${name}`;
    const argv = [`--key=${release.key}`, disk.path, url];
    expect(await installer.run(argv, { env: { ISO_DEVICE: "" } })).toBe(0);
    await whileMounted(`${disk.path}p1`, (root) => expect(looksLikeMedium(root)).toBe(true));
    expect(output(["losetup", "--list", "--noheadings", "--output", "BACK-FILE"])).not.toContain(
      "medium.iso",
    );
  });

  test("is found by what is on a device when none is named", async () => {
    using disk = makeDisk();
    using stick = makeDisk(64 * MIB);
    using installer = createInstaller();
    output(["mkfs.ext4", "-q", "-L", "K3OS", "-d", installer.medium, stick.path]);
    expect(await installer.run([disk.path], { env: { ISO_DEVICE: "" } })).toBe(0);
    await whileMounted(`${disk.path}p1`, (root) => expect(looksLikeMedium(root)).toBe(true));
  });
});
