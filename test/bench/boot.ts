import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BuildContext, cached } from "../../lib/build/context.ts";
import { hostTarget } from "../../lib/targets.ts";
import { makeDisk } from "../support/disk.ts";
import { startMachine, VM_DIRECTORY } from "../support/qemu.ts";
import { byTurns, type Figure, ratio } from "./figure.ts";

const TIMES = 3;
const MINUTE = 60_000;
const CONSOLE = "ttyS0,115200";

/** What Debian's installer puts onto a server: the base system, a kernel, a boot loader, ssh. */
const STOCK = {
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
  const ours = await installOurs(context);
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
  await machine.powerDown();
  await machine.exited;
  return time;
}

async function installOurs({ artifacts, host }: BuildContext): Promise<string> {
  const scratch = mkdtempSync(join(tmpdir(), "k3os-bench-"));
  const { arch } = hostTarget();
  try {
    await host.run([
      ...["tar", "-xzf", join(artifacts, `k3os-rootfs-${arch}.tar.gz`)],
      ...["--strip-components=1", "-C", scratch],
    ]);
    using disk = makeDisk();
    const install = [join(artifacts, `k3os-${arch}`), "install", "--yes", "--tty", CONSOLE, disk.path];
    await host.run(install, { env: { ISO_DEVICE: scratch } });
    return await keep(disk.file, "bench-k3os.img", host);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** A Debian with the boot loader, menu and kernel parameters of ours. */
async function makeStock(context: BuildContext): Promise<string> {
  const { host } = context;
  const inputs = [JSON.stringify(STOCK), stockMenu()];
  const directory = await cached({ name: "bench-debian", inputs }, makeStockDisk, context);
  return await keep(join(directory, "disk.img"), "bench-debian.img", host);

  async function makeStockDisk(into: string): Promise<void> {
    const root = join(into, "root");
    await host.run([
      ...["mmdebstrap", `--variant=${STOCK.variant}`, `--include=${STOCK.packages.join(",")}`],
      ...['--aptopt=APT::Install-Recommends "false"', STOCK.suite, root, "http://deb.debian.org/debian"],
    ]);
    writeFileSync(join(root, "etc/fstab"), "LABEL=STOCK / ext4 defaults 0 1\n");
    mkdirSync(join(root, "boot/grub"), { recursive: true });
    writeFileSync(join(root, "boot/grub/grub.cfg"), stockMenu());
    using disk = makeDisk();
    const mountPoint = join(into, "mnt");
    mkdirSync(mountPoint);
    await host.run(["sfdisk", "--quiet", disk.path], {
      input: "label: dos\nstart=2048, type=83, bootable\n",
    });
    await host.run(["partx", "--update", disk.path]);
    await host.run([
      ...["mkfs.ext4", "-q", "-F", "-L", "STOCK", "-d", root],
      ...["-O", "^metadata_csum_seed,^orphan_file", `${disk.path}p1`],
    ]);
    await host.run(["mount", `${disk.path}p1`, mountPoint]);
    try {
      const boot = `--boot-directory=${join(mountPoint, "boot")}`;
      await host.run(["grub-install", "--target=i386-pc", boot, disk.path]);
    } finally {
      await host.run(["umount", mountPoint]);
    }
    rmSync(mountPoint, { recursive: true });
    rmSync(root, { recursive: true });
    await host.run(["cp", "--sparse=always", disk.file, join(into, "disk.img")]);
  }
}

function stockMenu(): string {
  return `set timeout=10
serial --unit=0 --speed=115200
terminal_input --append serial
terminal_output --append serial
menuentry "Stock Debian" {
  search --no-floppy --set=root --label STOCK
  linux /vmlinuz root=LABEL=STOCK ro printk.devkmsg=on console=tty1 console=${CONSOLE}
  initrd /initrd.img
}
`;
}

async function keep(file: string, name: string, host: BuildContext["host"]): Promise<string> {
  mkdirSync(VM_DIRECTORY, { recursive: true });
  const kept = join(VM_DIRECTORY, name);
  await host.run(["cp", "--sparse=always", file, kept]);
  return kept;
}
