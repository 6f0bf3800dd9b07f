import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BuildContext } from "../../lib/make/build/context.ts";
import { coreConfig } from "../../lib/tools/disk/grub.ts";
import { GIB } from "../../lib/tools/fs/size.ts";
import { runProgram } from "../../lib/tools/host/host.ts";
import { type DebianRoot, debianRoot } from "./debian-root.ts";
import { makeDisk, output } from "./disk.ts";

/** A server as a cloud offers it: what it needs to boot by either firmware, ssh, and the tools of an administrator. */
const SERVER: DebianRoot = {
  name: "test-debian-root",
  suite: "trixie",
  variant: "important",
  packages: [
    ...["linux-image-amd64", "initramfs-tools", "systemd-sysv", "dbus", "openssh-server", "curl"],
    ...["grub2-common", "grub-pc-bin", "grub-efi-amd64-bin", "fdisk", "dosfstools", "mtools", "iproute2"],
  ],
};

export const SERVER_UUID = "6b33724f-7330-4265-8e63-680000000002";

/** As Debian's cloud images have it: the root first, GRUB's own partition and the EFI system partition behind it. */
const TABLE = `label: gpt
1: start=133120, type=linux
2: start=2048, size=8192, type=21686148-6449-6E6F-744E-656564454649
3: start=10240, size=122880, type=uefi
`;

/** Fixed addresses, the very ones that QEMU's DHCP server would give: its port forwarding knows no others. */
const NETWORK = `[Match]
Type=ether

[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
DNS=10.0.2.3
`;

/** Quiet: what a kernel says of an emulated machine takes that half a minute to write. */
const CONSOLE = "quiet console=tty1 console=ttyS0,115200";

/**
 * Makes a disk with a stock Debian that GRUB boots by BIOS and by UEFI, root's ssh key in place, as the file `file`.
 * GRUB and its menu are put there by Debian's own programs. Needs root.
 */
export async function makeDebianDisk(file: string, publicKey: string, context: BuildContext): Promise<void> {
  const tree = await debianRoot(SERVER, context);
  using disk = makeDisk(4 * GIB);
  output(["sfdisk", "--quiet", disk.path], TABLE);
  output(["partx", "--update", disk.path]);
  const root = mkdtempSync(join(tmpdir(), "k3os-debian-"));
  // GRUB 2.12 reads what mke2fs makes by default, as on every Debian
  output(["mkfs.ext4", "-q", "-U", SERVER_UUID, "-L", "cloudimg-rootfs", `${disk.path}p1`]);
  output(["mount", `${disk.path}p1`, root]);
  try {
    await runProgram(["cp", "-a", `${tree}/.`, root]);
    configure(root, publicKey);
    for (const name of ["dev", "proc", "sys"]) output(["mount", "--rbind", `/${name}`, join(root, name)]);
    installGrub(root, disk.path);
  } finally {
    for (const name of ["sys", "proc", "dev"]) {
      output(["sh", "-c", `! mountpoint -q ${root}/${name} || umount --recursive --lazy ${root}/${name}`]);
    }
    output(["umount", root]);
    rmSync(root, { recursive: true });
  }
  await runProgram(["cp", "--sparse=always", disk.file, file]);
}

const IDLE_UNITS = [
  ...[
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "cron.service",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
  ],
  ...["e2scrub_reap.service", "logrotate.timer", "systemd-networkd-wait-online.service"],
];

function configure(root: string, publicKey: string): void {
  const put = (path: string, text: string) => writeFileSync(join(root, path), text);
  put("etc/fstab", `UUID=${SERVER_UUID} / ext4 errors=remount-ro 0 1\n`);
  put("etc/hostname", "old-system\n");
  put("etc/systemd/network/10-ether.network", NETWORK);
  put("etc/motd", "Welcome to the old system.\n");
  put("etc/resolv.conf", "nameserver 10.0.2.3\n");
  mkdirSync(join(root, "root/.ssh"), { mode: 0o700, recursive: true });
  writeFileSync(join(root, "root/.ssh/authorized_keys"), `${publicKey}\n`, { mode: 0o600 });
  output(["systemctl", "--root", root, "enable", "systemd-networkd"]);
  // nothing here waits for them, and each start would
  for (const unit of IDLE_UNITS) output(["systemctl", "--root", root, "mask", unit]);
  const grub = [
    "GRUB_TIMEOUT=3",
    `GRUB_CMDLINE_LINUX="${CONSOLE}"`,
    'GRUB_TERMINAL="console serial"',
    'GRUB_SERIAL_COMMAND="serial --unit=0 --speed=115200"',
  ];
  put("etc/default/grub", `GRUB_DISTRIBUTOR="Old Debian"\n${grub.join("\n")}\n`);
}

/** For UEFI by hand: grub-install wants the EFI system partition mounted, which not every kernel can. */
function installGrub(root: string, disk: string): void {
  const inside = (...argv: string[]) => output(["chroot", root, ...argv]);
  inside("grub-install", "--target=i386-pc", disk);
  inside("update-grub");
  // without udev's links update-grub names this machine's loop device
  const menu = join(root, "boot/grub/grub.cfg");
  output(["sed", "--in-place", `s#root=${disk}p1#root=UUID=${SERVER_UUID}#`, menu]);
  const platform = "x86_64-efi";
  cpSync(join(root, "usr/lib/grub", platform), join(root, "boot/grub", platform), { recursive: true });
  writeFileSync(join(root, "tmp/load.cfg"), coreConfig(SERVER_UUID));
  inside(
    ...["grub-mkimage", "--format", platform, "--config", "/tmp/load.cfg", "--prefix", "/boot/grub"],
    ...["--output", "/tmp/core.efi", "part_gpt", "ext2", "search_fs_uuid"],
  );
  const esp = `${disk}p3`;
  const core = mkdtempSync(join(tmpdir(), "k3os-esp-"));
  copyFileSync(join(root, "tmp/core.efi"), join(core, "BOOTX64.EFI"));
  output(["mkfs.vfat", "-F", "32", "-n", "UEFI", esp]);
  output(["mmd", "-i", esp, "::/EFI", "::/EFI/BOOT"]);
  output(["mcopy", "-i", esp, join(core, "BOOTX64.EFI"), "::/EFI/BOOT/BOOTX64.EFI"]);
  rmSync(core, { recursive: true });
  for (const name of ["load.cfg", "core.efi"]) rmSync(join(root, "tmp", name));
}
