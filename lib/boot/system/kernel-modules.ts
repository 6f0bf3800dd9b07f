import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { isThere, linkTarget } from "../../tools/fs/links.ts";
import { FILE, PATH } from "../../tools/host/paths.ts";
import { mount, mountImage, unmount } from "../../tools/host/sys.ts";
import type { SystemBoot } from "./boot-step.ts";

/** Directories of the kernel image, and their places in the running system. */
const KERNEL_BINDS: readonly (readonly [string, string])[] = [
  ["lib/modules", "/usr/lib/modules"],
  ["lib/firmware", "/usr/lib/firmware"],
  ["headers", "/usr/src"],
];

/**
 * Makes the modules and firmware of the running kernel available: from the kernel image of exactly this kernel,
 * otherwise from the old root, the system of a foreign board.
 */
export function bindKernelModules(boot: Pick<SystemBoot, "log">): void {
  const kernel = release();
  const image = join(PATH.system, "kernel", kernel, FILE.kernelSquashfs);
  if (existsSync(image)) {
    mkdirSync(PATH.kernelMount, { recursive: true });
    mountImage(image, PATH.kernelMount, "squashfs");
    bindAll(PATH.kernelMount);
    unmount(PATH.kernelMount, { lazy: true });
    linkKernelConfig("/", kernel);
    return;
  }
  if (existsSync(join(PATH.base, "lib/modules", kernel))) {
    bindAll(PATH.base);
    return;
  }
  boot.log.warn(`There are no modules for kernel ${kernel}`);
}

function bindAll(from: string): void {
  for (const [directory, target] of KERNEL_BINDS) {
    const source = join(from, directory);
    if (existsSync(source) && existsSync(target)) mount(source, target, { flags: ["bind"] });
  }
}

/**
 * Links `/boot/config-VERSION`, where `k3s check-config` and others look for the configuration of a kernel, to the file
 * in the kernel image. Removes such links of kernels that no longer exist.
 */
export function linkKernelConfig(root: string, kernel: string): void {
  const boot = join(root, "boot");
  for (const name of readdirSync(boot).filter((entry) => entry.startsWith("config-"))) {
    const version = name.slice("config-".length);
    const path = join(boot, name);
    if (version !== kernel && linkTarget(path) === configOf(version)) rmSync(path);
  }
  const link = join(boot, `config-${kernel}`);
  if (!isThere(link) && existsSync(join(root, configOf(kernel)))) symlinkSync(configOf(kernel), link);
}

function configOf(kernel: string): string {
  return `/usr/lib/modules/${kernel}/config`;
}
