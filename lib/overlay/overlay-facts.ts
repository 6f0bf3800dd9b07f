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

/** The facts about a root file system for the overlay. */
export interface OverlayFacts {
  /** Its absolute path; "/" for the running system. */
  readonly root: string;
  /** The mode of the running k3OS; undefined on another system. */
  readonly mode: string | undefined;
  /** ELF `e_machine` of its programs; undefined if none was found, so that it is not a root file system. */
  readonly machine: number | undefined;
  /** `uname -m` of the kernel that will boot it; undefined if that is not the running kernel. */
  readonly kernelMachine: string | undefined;
  /** The kernels that may boot it. */
  readonly kernels: readonly KernelSources[];
  /** The program of the kernel parameter `init=`, instead of `/sbin/init`. */
  readonly otherInit: string | undefined;
  /** The names for the overlay that are taken: by directories, by looping links or by links to our own place. */
  readonly blocked: readonly string[];
  /** Directories that would be on a file system other than the root's. */
  readonly apart: readonly string[];
  readonly readOnly: boolean;
  /** Such as ext4. */
  readonly fileSystem: string | undefined;
  /** Bytes. */
  readonly free: number;
  /** Parameters of the kernel command line: of the running kernel, and from the boards' files. */
  readonly words: readonly string[];
}

/** Programs whose architecture is that of a root; not `/sbin/init`, which may be ours. */
const PROGRAMS = ["bin/sh", "bin/busybox", "usr/bin/env"];

/** Our own directories. A link in the place of one could lead out of a root that is mounted on another machine. */
const OWN = ["k3os", "k3os/system", ...COMPONENTS.map((component) => `k3os/system/${component}`)];

/** Files with the kernel command line for boards' firmware: Raspberry Pi OS, now and before Debian 12. */
const COMMAND_LINES = ["boot/firmware/cmdline.txt", "boot/cmdline.txt"];

/** Gathers the facts about a root file system. It only reads. */
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

/** The last `init=` decides (kernel-command-line(7)). */
function otherInit(words: readonly string[]): string | undefined {
  const value = words.findLast((word) => word.startsWith("init="))?.slice("init=".length);
  return value === undefined || value === "/sbin/init" ? undefined : value;
}

function blockedNames(root: string): string[] {
  // anything below the first one that is not a directory would not be in this root
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

/** The kernels with modules in a root: it is unknown which of them will boot it. */
function kernelsIn(root: string): KernelSources[] {
  const modules = locateFile(root, "lib/modules");
  const names = modules === undefined ? [] : readdirSync(modules);
  return names.map((version) => ({ version, running: false, ...installedKernel(root, version) }));
}
