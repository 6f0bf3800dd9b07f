import { BOARD_PACKAGES } from "./qemu-board.ts";

/** Debian packages that the rings themselves need; the build names its own. */
export const TEST_PACKAGES = [
  ...BOARD_PACKAGES,
  "busybox-static",
  "cpio",
  "dnsmasq-base",
  "dosfstools",
  "e2fsprogs",
  "fdisk",
  "file",
  "fish",
  "grub-common",
  "grub-efi-amd64-bin",
  "grub-pc-bin",
  "iproute2",
  "mandoc",
  "minisign",
  "mmdebstrap",
  "mtools",
  "openssh-client",
  "openssl",
  "parted",
  "qemu-system-common", // has qemu-storage-daemon
  "qemu-user-static",
  "qemu-utils",
  "skopeo",
  "squashfs-tools",
  "tmux", // plays the terminal
  "util-linux",
  "xorriso",
  "zsh",
  "zstd",
];

/** What the unit tests check our own formats against, and what install.sh must get along with. */
export const UNIT_PACKAGES = [
  "busybox-static",
  "cpio",
  "curl",
  "dash",
  "grub-common",
  "minisign",
  "openssl",
  "perl", // has shasum
  "pigz",
  "shellcheck",
  "wget",
];
