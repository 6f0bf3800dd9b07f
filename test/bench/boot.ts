import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { BuildContext } from "../../lib/make/build/context.ts";
import { type Machine, startMachine, VM_DIRECTORY } from "../../lib/make/vm/qemu.ts";
import { within } from "../../lib/make/vm/virtual-node.ts";
import { bootCode, writeBootCode } from "../../lib/tools/disk/boot-sector.ts";
import { coreConfig, grubImageArgv, grubPlatform } from "../../lib/tools/disk/grub.ts";
import { FIRST_PARTITION } from "../../lib/tools/disk/partitions.ts";
import { GIB } from "../../lib/tools/fs/size.ts";
import { type DebianRoot, debianRoot } from "../support/debian-root.ts";
import { makeInstalledDisk } from "../support/installed-disk.ts";
import { byTurns, type Figure, ratio } from "./figure.ts";

const TIMES = 3;
const MINUTE = 60_000;
const CONSOLE = "ttyS0,115200";
const SECTOR = 512;
const GRUB_MODULES = "/usr/lib/grub/i386-pc";
const STOCK_UUID = "6b33724f-7330-4265-8e63-680000000001";

/** What Debian's installer puts onto a server: the base system, a kernel, a boot loader, ssh. */
const STOCK: DebianRoot = {
  name: "bench-debian-root",
  suite: "trixie",
  variant: "important",
  packages: [
    "linux-image-amd64",
    "initramfs-tools",
    "systemd-sysv",
    "dbus",
    "libpam-systemd",
    "openssh-server",
  ],
};

/** How much longer our disk takes from its boot menu to the login prompt than a stock Debian's on the same machine. */
export async function benchBoot(context: BuildContext): Promise<Figure[]> {
  mkdirSync(VM_DIRECTORY, { recursive: true });
  const ours = await installOurs();
  const stock = await makeStock(context);
  try {
    // the first boot grows the file system and makes keys, on both; it does not count
    await bootTime("bench-k3os", ours);
    await bootTime("bench-debian", stock);
    const comparison = await byTurns(
      TIMES,
      () => bootTime("bench-k3os", ours),
      () => bootTime("bench-debian", stock),
    );
    return [ratio("boot menu to login", 1.2, comparison, "a stock Debian")];
  } finally {
    for (const disk of [ours, stock]) rmSync(disk);
  }
}

/** Milliseconds from the choice in the boot menu to the login prompt. */
async function bootTime(name: string, disk: string): Promise<number> {
  await using machine = await startMachine({ name, memory: 1024, disks: [disk] });
  const { console } = machine;
  await console.expect(/k3OS Current|Stock Debian/, { timeout: MINUTE });
  const started = performance.now();
  console.send("\r");
  await console.expect(/login: /, { timeout: 5 * MINUTE });
  const time = performance.now() - started;
  await switchOff(machine);
  return time;
}

/** The prompt may come before anything listens to the power button, so it is pressed until the machine is gone. */
async function switchOff(machine: Machine): Promise<void> {
  const pressing = setInterval(() => machine.powerDown().catch(() => undefined), 3000); // it may be gone by now
  try {
    await within(machine.exited, 3 * MINUTE, "The machine did not switch itself off");
  } finally {
    clearInterval(pressing);
  }
}

async function installOurs(): Promise<string> {
  const disk = join(VM_DIRECTORY, "bench-k3os.img");
  await makeInstalledDisk(disk, { tty: CONSOLE });
  return disk;
}

/** A disk with a Debian that has the boot loader, menu and kernel parameters of ours. */
async function makeStock(context: BuildContext): Promise<string> {
  const { host } = context;
  const root = await debianRoot(STOCK, context);
  const disk = join(VM_DIRECTORY, "bench-debian.img");
  const partition = `label: dos\nstart=${FIRST_PARTITION / SECTOR}, type=83, bootable\n`;
  const off = "^metadata_csum_seed,^orphan_file"; // GRUB 2.06 cannot read them
  const grub = join(root, "boot/grub");
  const core = join(grub, "i386-pc/core.img");
  cpSync(GRUB_MODULES, dirname(core), { recursive: true });
  writeFileSync(join(root, "etc/fstab"), `UUID=${STOCK_UUID} / ext4 defaults 0 1\n`);
  writeFileSync(join(grub, "grub.cfg"), stockMenu());
  const config = join(grub, "load.cfg");
  writeFileSync(config, coreConfig(STOCK_UUID));
  const platform = grubPlatform("i386-pc");
  await host.run(grubImageArgv({ platform, modules: GRUB_MODULES, config, output: core }));
  await host.run(["truncate", "--size", String(4 * GIB), disk]);
  await host.run(["sfdisk", "--quiet", disk], { input: partition });
  await host.run([
    ...["mkfs.ext4", "-q", "-F", "-U", STOCK_UUID, "-O", off, "-E", `offset=${FIRST_PARTITION}`],
    ...["-d", root, disk, String((4 * GIB - FIRST_PARTITION) / 1024)],
  ]);
  const boot = bootCode(readFileSync(join(GRUB_MODULES, "boot.img")));
  writeBootCode(disk, boot, readFileSync(core), FIRST_PARTITION);
  return disk;
}

function stockMenu(): string {
  return `set timeout=10
serial --unit=0 --speed=115200
terminal_input --append serial
terminal_output --append serial
menuentry "Stock Debian" {
  linux /vmlinuz root=UUID=${STOCK_UUID} ro printk.devkmsg=on console=tty1 console=${CONSOLE}
  initrd /initrd.img
}
`;
}
