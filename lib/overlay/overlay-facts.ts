import { lstatSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { machine } from "node:os";
import { join } from "node:path";
import { mountOf, parseMountinfo } from "../tools/disk/mount.ts";
import { elfMachine } from "../tools/fs/elf-machine.ts";
import { locate, locateFile, readInRoot } from "../tools/fs/links.ts";
import { freeBytes } from "../tools/fs/size.ts";
import { COMPONENTS, PATH } from "../tools/host/paths.ts";
import { FOREIGN_ROOT_LINKS } from "../tools/node/foreign-root.ts";
import type { KernelSources } from "../tools/node/kernel-features.ts";
import { installedKernel, runningKernel } from "../tools/node/kernel-sources.ts";
import { runningMode } from "../tools/node/running-mode.ts";

/** What matters of a root file system that k3OS is to be laid over. */
export interface OverlayFacts {
  /** Absolute path of it; "/" for the system that runs. */
  readonly root: string;
  /** What the running k3OS runs as; undefined where another system runs. */
  readonly mode: string | undefined;
  /** ELF `e_machine` of its programs; undefined where none was found, and it is no root file system. */
  readonly machine: number | undefined;
  /** `uname -m` of the kernel that will start it; undefined where that is not the one that runs. */
  readonly kernelMachine: string | undefined;
  /** The kernels that may start it. */
  readonly kernels: readonly KernelSources[];
  /** What the kernel is told to start instead of `/sbin/init`. */
  readonly otherInit: string | undefined;
  /** The names that the overlay needs and that are taken: by directories, by links that lead in circles or to our place. */
  readonly blocked: readonly string[];
  /** Directories that would lie on another file system than the root's own. */
  readonly apart: readonly string[];
  readonly readOnly: boolean;
  /** Such as ext4. */
  readonly fileSystem: string | undefined;
  /** Bytes. */
  readonly free: number;
  /** Words of the kernel command line: of the running kernel, and in the files from which boards take them. */
  readonly words: readonly string[];
}

/** Where a root has one of these, what kind of programs it holds can be seen; not `/sbin/init`, which may be ours. */
const PROGRAMS = ["bin/sh", "bin/busybox", "usr/bin/env"];

/** Directories that are ours. A link in the place of one could lead out of a root that is mounted in another machine. */
const OWN = ["k3os", "k3os/system", ...COMPONENTS.map((component) => `k3os/system/${component}`)];

/** Files from which boards' firmware takes the kernel command line: Raspberry Pi OS, now and before Debian 12. */
const COMMAND_LINES = ["boot/firmware/cmdline.txt", "boot/cmdline.txt"];

/** Looks at a root file system, and changes nothing. */
export function gatherOverlayFacts(root: string): OverlayFacts {
  const running = root === "/";
  const mount = mountOf(realpathSync(root), parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8")));
  const words = COMMAND_LINES.flatMap((path) => readInRoot(root, path)?.split(/\s+/) ?? []);
  const current = running ? readFileSync(PATH.cmdline, "utf8").split(/\s+/) : [];
  return {
    root,
    mode: running ? runningMode({ root: "/" }) : undefined,
    machine: machineOf(root),
    kernelMachine: running ? machine() : undefined,
    kernels: running ? [runningKernel()] : kernelsIn(root),
    otherInit: otherInit(words.length > 0 ? words : current),
    blocked: blockedNames(root),
    apart: directoriesApart(root),
    readOnly: mount?.readOnly ?? false,
    fileSystem: mount?.type,
    free: freeBytes(root),
    words: [...current, ...words],
  };
}

function machineOf(root: string): number | undefined {
  for (const path of PROGRAMS) {
    const file = locateFile(root, path);
    const isFile = file !== undefined && lstatSync(file).isFile();
    const found = isFile ? elfMachine(file) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The last `init=` of the words counts (kernel-command-line(7)). */
function otherInit(words: readonly string[]): string | undefined {
  const value = words.findLast((word) => word.startsWith("init="))?.slice("init=".length);
  return value === undefined || value === "/sbin/init" ? undefined : value;
}

function blockedNames(root: string): string[] {
  // what lies below the first that is none would not be in this root
  const own = OWN.find((name) => {
    return lstatSync(join(root, name), { throwIfNoEntry: false })?.isDirectory() === false;
  });
  const names = Object.keys(FOREIGN_ROOT_LINKS).filter((name) => {
    try {
      return lstatSync(locate(root, name), { throwIfNoEntry: false })?.isDirectory();
    } catch {
      return true;
    }
  });
  return own === undefined ? names : [own, ...names];
}

function directoriesApart(root: string): string[] {
  const device = statSync(root).dev;
  return ["sbin", "k3os", "k3os/system"].filter((name) => {
    const stat = statSync(locateFile(root, name) ?? root);
    return stat.dev !== device;
  });
}

/** The kernels whose modules a root holds: which of them will start it is not known. */
function kernelsIn(root: string): KernelSources[] {
  const modules = locateFile(root, "lib/modules");
  const names = modules === undefined ? [] : readdirSync(modules);
  return names.map((version) => ({ version, running: false, ...installedKernel(root, version) }));
}
