import type { Arch } from "../../tools/host/targets.ts";

/** The Debian release of the userland, kernel and boot loader. */
export const SUITE = "trixie";

/**
 * Packages of the userland beside Debian's essential ones, by purpose; recommended packages are not pulled in. They
 * follow the Alpine packages of the original. Left out on purpose: haveged and rng-tools (the kernel's generator has
 * not blocked since Linux 5.18), iscsi-scst (not in Debian), acpid (systemd-logind), virt-what (systemd-detect-virt).
 */
const USERLAND = [
  // service manager, devices, login
  "systemd systemd-sysv systemd-timesyncd libpam-systemd linux-sysctl-defaults udev dbus kmod passwd login sudo tzdata",
  // old names of time zones: US/Pacific
  "tzdata-legacy",
  // network
  "connman wpasupplicant iw rfkill iproute2 iptables ipset conntrack ethtool iputils-ping wireguard-tools",
  "openssh-server openssh-client curl wget rsync ca-certificates etherwake",
  // loads the profile that containerd gives each container, as on every Debian: the kernel has AppArmor switched on
  "apparmor",
  // disks, including what the installer and first boot run
  "e2fsprogs dosfstools mtools xfsprogs parted fdisk gdisk cryptsetup lvm2 mdadm multipath-tools open-iscsi nfs-common",
  "smartmontools lsscsi",
  // hardware
  "dmidecode lm-sensors irqbalance pciutils usbutils kbd qemu-guest-agent",
  // at the prompt
  "bash bash-completion vim-tiny less htop procps psmisc strace jq logrotate xz-utils zstd ncurses-base",
  // BusyBox programs of the original that no other package provides: applets.ts
  "busybox-static",
];

/** Packages of single architectures: boot loaders, and the agents of hypervisors. */
const USERLAND_OF: Readonly<Record<Arch, readonly string[]>> = {
  amd64: ["grub-pc-bin grub-efi-amd64-bin grub2-common efibootmgr", "open-vm-tools hyperv-daemons"],
  arm64: ["grub-efi-arm64-bin grub2-common efibootmgr", "open-vm-tools hyperv-daemons"],
  arm: [],
};

/** The names of the packages of an architecture's userland. */
export function userlandPackages(arch: Arch): string[] {
  return [...USERLAND, ...USERLAND_OF[arch]].flatMap((line) => line.split(" "));
}

/**
 * Firmware of network cards, wireless adapters and storage controllers. Graphics, sound, Bluetooth-only and
 * phone-chipset packages are omitted: a node does not need them and they are larger than all the rest.
 */
export const FIRMWARE_PACKAGES = [
  "firmware-ath9k-htc",
  "firmware-atheros",
  "firmware-bnx2",
  "firmware-bnx2x",
  "firmware-brcm80211",
  "firmware-carl9170",
  "firmware-cavium",
  "firmware-iwlwifi",
  "firmware-libertas",
  "firmware-linux-free",
  "firmware-mediatek",
  "firmware-misc-nonfree",
  "firmware-myricom",
  "firmware-netronome",
  "firmware-netxen",
  "firmware-qlogic",
  "firmware-realtek",
  "firmware-ti-connectivity",
  "firmware-zd1211",
  "wireless-regdb",
] as const;
