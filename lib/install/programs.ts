import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import type { Host } from "../tools/host/host.ts";

/** The supported package managers, by the program that identifies each. */
const MANAGERS = {
  apt: { program: "apt-get", install: "apt-get install" },
  dnf: { program: "dnf", install: "dnf install" },
  zypper: { program: "zypper", install: "zypper install" },
  apk: { program: "apk", install: "apk add" },
  pacman: { program: "pacman", install: "pacman -S" },
} as const;

type Manager = keyof typeof MANAGERS;

/** Names of a package in the order of {@link MANAGERS}. */
type Packages = readonly [apt: string, dnf: string, zypper: string, apk: string, pacman: string];

const everywhere = (name: string): Packages => [name, name, name, name, name];

const GRUB_TOOLS: Packages = ["grub-common", "grub2-tools", "grub2", "grub", "grub"];
const MTOOLS = everywhere("mtools");
const E2FSPROGS_EXTRA: Packages = ["e2fsprogs", "e2fsprogs", "e2fsprogs", "e2fsprogs-extra", "e2fsprogs"];

/**
 * The package of each program. Sources: the indexes of the distributions, https://packages.debian.org,
 * https://packages.fedoraproject.org, https://pkgs.alpinelinux.org and the like.
 */
const PACKAGES: Readonly<Record<string, Packages>> = {
  lsblk: ["util-linux", "util-linux", "util-linux", "lsblk", "util-linux"],
  blkid: ["util-linux", "util-linux", "util-linux", "blkid", "util-linux"],
  wipefs: ["util-linux", "util-linux", "util-linux", "wipefs", "util-linux"],
  sfdisk: ["fdisk", "util-linux", "util-linux", "sfdisk", "util-linux"],
  dmsetup: ["dmsetup", "device-mapper", "device-mapper", "device-mapper", "device-mapper"],
  mdadm: everywhere("mdadm"),
  partx: ["util-linux", "util-linux", "util-linux", "partx", "util-linux"],
  mount: ["mount", "util-linux", "util-linux", "mount", "util-linux"],
  umount: ["mount", "util-linux", "util-linux", "umount", "util-linux"],
  sync: everywhere("coreutils"),
  "mkfs.ext4": everywhere("e2fsprogs"),
  dumpe2fs: E2FSPROGS_EXTRA,
  tune2fs: E2FSPROGS_EXTRA,
  "mkfs.vfat": everywhere("dosfstools"),
  mmd: MTOOLS,
  mcopy: MTOOLS,
  mren: MTOOLS,
  xorriso: ["xorriso", "xorriso", "xorriso", "xorriso", "libisoburn"],
  ip: ["iproute2", "iproute", "iproute2", "iproute2", "iproute2"],
  "grub-mkimage": GRUB_TOOLS,
  "grub-editenv": GRUB_TOOLS,
  // GRUB's files for each platform, which are not programs but are checked in the same way
  "i386-pc": ["grub-pc-bin", "grub2-pc-modules", "grub2-i386-pc", "grub-bios", "grub"],
  "x86_64-efi": ["grub-efi-amd64-bin", "grub2-efi-x64-modules", "grub2-x86_64-efi", "grub-efi", "grub"],
  "arm64-efi": ["grub-efi-arm64-bin", "grub2-efi-aa64-modules", "grub2-arm64-efi", "grub-efi", "grub"],
};

/** Fedora's and openSUSE's names of GRUB's programs. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  "grub-mkimage": "grub2-mkimage",
  "grub-editenv": "grub2-editenv",
};

/** Whether a program is installed, under any of its names. */
export function hasProgram(name: string, env: Host["env"]): boolean {
  return isInPath(name, env) || (OTHER_NAMES[name] !== undefined && isInPath(OTHER_NAMES[name], env));
}

/** The directories of administrators' programs, which are not in every PATH, not even in every SSH session of root. */
const ADMIN_DIRECTORIES = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** A host that finds administrators' programs, and runs programs by their local names. */
export function withLocalNames<H extends Pick<Host, "run" | "env">>(host: H): H {
  const directories = (host.env.PATH ?? "").split(delimiter).filter((path) => path !== "");
  const more = ADMIN_DIRECTORIES.filter((path) => !directories.includes(path));
  const env = { ...host.env, PATH: [...directories, ...more].join(delimiter) };
  return {
    ...host,
    env,
    run: (argv, options) => {
      const [name = "", ...args] = argv;
      const other = OTHER_NAMES[name];
      const renamed = other !== undefined && !isInPath(name, env) && isInPath(other, env);
      const complete = { ...options, env: { PATH: env.PATH, ...options?.env } };
      return host.run(renamed ? [other, ...args] : argv, complete);
    },
  };
}

/**
 * The message for missing programs: `Missing programs: mcopy, mkfs.vfat (to install them: apt-get install mtools
 * dosfstools)`. Without a known package manager it only names the programs.
 */
export function missingMessage(what: string, names: readonly string[], env: Host["env"]): string {
  const list = `${what}: ${names.join(", ")}`;
  const managers = Object.keys(MANAGERS) as Manager[];
  const column = managers.findIndex((manager) => isInPath(MANAGERS[manager].program, env));
  const manager = managers[column];
  if (manager === undefined) return list;
  const packages = new Set(names.map((name) => (PACKAGES[name] ?? everywhere(name))[column]));
  const them = names.length === 1 ? "it" : "them";
  return `${list} (to install ${them}: ${MANAGERS[manager].install} ${[...packages].join(" ")})`;
}

function isInPath(name: string, env: Host["env"]): boolean {
  return (env.PATH ?? "").split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return true;
    } catch {
      return false; // not in this directory
    }
  });
}
