import { POD_PACKAGES } from "../../lib/make/vm/pod-images.ts";
import { BOARD_PACKAGES } from "../../lib/make/vm/qemu-board.ts";

/** Debian packages that the rings themselves need; the build names its own. */
export const TEST_PACKAGES = [
  ...BOARD_PACKAGES,
  ...POD_PACKAGES,
  "busybox-static",
  "cpio",
  "dnsmasq-base",
  "docker-registry", // a release is pushed to it
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

/**
 * What the unit tests check our own formats against, and what install.sh must get along with: Debian packages, and a
 * program of each by which it is known to be there.
 */
const UNIT_PROGRAMS = {
  "busybox-static": "busybox",
  cpio: "cpio",
  curl: "curl",
  dash: "dash",
  git: "git",
  "grub-common": "grub-editenv",
  minisign: "minisign",
  openssl: "openssl",
  perl: "shasum",
  pigz: "pigz",
  shellcheck: "shellcheck",
  wget: "wget",
};

export const UNIT_PACKAGES = Object.keys(UNIT_PROGRAMS);

/** The packages of the unit tests that are not there. */
export function missingUnitPackages(): string[] {
  const missing = Object.entries(UNIT_PROGRAMS).filter(([, program]) => Bun.which(program) === null);
  return missing.map(([name]) => name);
}
