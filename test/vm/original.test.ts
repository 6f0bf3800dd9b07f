import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HOST_ADDRESS } from "../../lib/make/vm/qemu.ts";
import { generateKey, type SshKey, sshOutput } from "../../lib/make/vm/ssh.ts";
import { bootDisk, type Hardware, reachNode, waitUntilApplied } from "../../lib/make/vm/virtual-node.ts";
import { runProgram } from "../../lib/tools/host/host.ts";
import { makeDisk, output } from "../support/disk.ts";
import { ARTIFACTS } from "../support/image.ts";
import { makeInstalledDisk } from "../support/installed-disk.ts";

const MINUTE = 60_000;
const OLD = { k3os: "v0.21.1-k3s1r0", k3s: "v1.21.1+k3s1", kernel: "5.4.0-73-generic" };

/** The menu of the original's installer, for a serial console. */
const MENU = `set default=0
set timeout=10

set gfxmode=auto
set gfxpayload=keep
insmod all_video
insmod gfxterm
serial --unit=0 --speed=115200
terminal_input --append serial
terminal_output --append serial

menuentry "k3OS Current" {
  search.fs_label K3OS_STATE root
  set sqfile=/k3os/system/kernel/current/kernel.squashfs
  loopback loop0 /$sqfile
  linux (loop0)/vmlinuz printk.devkmsg=on console=tty1 console=ttyS0,115200
  initrd /k3os/system/kernel/current/initrd
}
`;

let scratch: string;
let key: SshKey;
let machine: Hardware;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "k3os-original-"));
  key = await generateKey(scratch);
  const config = JSON.stringify({
    // a server that does not answer, and commands of Alpine, of which one is not here
    ssh_authorized_keys: [key.publicKey, `http://${HOST_ADDRESS}:1/keys`],
    hostname: "original",
    boot_cmd: ["ln -s /usr/share/zoneinfo/US/Pacific /etc/localtime"],
    run_cmd: ["sudo ifconfig eth0 up", "apk add nano", "sleep 4321 >/dev/null 2>&1 &"],
  });
  const disk = join(scratch, "disk.img");
  await makeInstalledDisk(disk, { config });
  await makeOriginal(disk);
  machine = { name: "original", firmware: "bios", disk, efiVariables: join(scratch, "efi.fd") };
}, 5 * MINUTE);

afterAll(() => rmSync(scratch, { recursive: true }));

/**
 * Makes of a disk what a machine of the original looks like, and brings it our version as its Plan does: `k3os upgrade` out
 * of the image's tree. Of the original's versions there is only what an upgrade looks at, as nobody has the programs.
 */
async function makeOriginal(file: string): Promise<void> {
  const image = mkdtempSync(join(scratch, "image-"));
  const root = mkdtempSync(join(scratch, "root-"));
  const tarball = join(ARTIFACTS, "k3os-rootfs-amd64.tar.gz");
  await runProgram(["tar", "-xzf", tarball, "--strip-components=1", "-C", image]);
  using disk = makeDisk();
  output(["cp", "--sparse=always", file, disk.file]);
  output(["partx", "--update", disk.path]);
  output(["mount", `${disk.path}p1`, root]);
  try {
    const system = join(root, "k3os/system");
    for (const [component, version] of Object.entries(OLD)) {
      rmSync(join(system, component), { recursive: true, force: true });
      mkdirSync(join(system, component, version), { recursive: true });
      symlinkSync(version, join(system, component, "current"));
    }
    writeFileSync(join(system, "kernel", OLD.kernel, "kernel.squashfs"), "");
    writeFileSync(join(root, "boot/grub/grub.cfg"), MENU);
    rmSync(join(root, "boot/grub/grubenv"));
    const { stderr } = await runProgram([
      ...[join(ARTIFACTS, "k3os-amd64"), "upgrade", "--kernel", "--rootfs", "--remount", "--sync"],
      ...[
        `--lock-file=${join(scratch, "lock")}`,
        `--source=${join(image, "k3os/system")}`,
        `--destination=${system}`,
      ],
    ]);
    expect(readlinkSync(join(system, "k3os/previous"))).toBe(OLD.k3os);
    expect(stderr.match(/of the configuration will fail/g)).toHaveLength(1);
    expect(stderr).toContain('run_cmd[1] of the configuration will fail: k3OS has no "apk"');
  } finally {
    output(["umount", root]);
  }
  output(["cp", "--sparse=always", disk.file, file]);
}

test(
  "a machine of the original runs our version on trial, keeps it, and can go back",
  async () => {
    await using running = await bootDisk(machine, { boot: "first" });
    const target = await reachNode(running, key);
    await waitUntilApplied(target);
    const run = (command: string) => sshOutput(target, command);
    expect(await run("hostname")).toBe("original");
    await run("timeout 100 sh -c 'while [ -e /k3os/system/trial.json ]; do sleep 1; done'");
    const status = JSON.parse(await run("sudo k3os status --json"));
    expect(status).toMatchObject({ previous: { k3os: OLD.k3os, kernel: OLD.kernel }, failed: [] });
    // what the configuration does not achieve is told, and is no reason to go back
    const unapplied = status.notApplied.map((problem: string) => problem.replace(/:.*/s, ""));
    expect(unapplied.sort()).toEqual(["run_cmd[1]", "ssh_authorized_keys[1]"]);
    expect(status.failedUnits).toContain("ccapply.service");
    expect(await run("pgrep --full --exact --count 'sleep 4321'")).toBe("1"); // although the service failed
    expect(await run("date +%Z")).toMatch(/^P[SD]T$/);
    // the menu now counts the starts of the next one, with the consoles of the old menu
    const menu = await run("sudo cat /boot/grub/grub.cfg");
    expect(menu).toContain("load_env k3os_trial");
    expect(menu).toMatch(/^ {2}linux .* console=tty1 console=ttyS0,115200 \$trial$/m);
    expect(await run("sudo cat /boot/grub/grub.cfg.old")).toBe(MENU.trimEnd());
    expect(await run("sudo k3os rollback --dry-run")).toContain(` → ${OLD.k3os}\n`);
  },
  15 * MINUTE,
);
