import { existsSync, lstatSync, mkdirSync, readdirSync, rmdirSync, statSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { linkTarget } from "../tools/fs/links.ts";
import { FILE, PATH } from "../tools/host/paths.ts";
import { changeRoot, mount } from "../tools/host/sys.ts";
import { KERNEL_MOUNT_POINTS } from "./mounts.ts";

/**
 * Leaves the initrd for a mounted root, as switch_root(8) does: moves the kernel's mounts, frees the memory of the
 * initrd's files, and makes the new root "/". pivot_root(2) cannot be used, since the initial root cannot be moved.
 */
export function switchRoot(newRoot: string): void {
  moveKernelMounts("/", newRoot);
  const initrd = statSync("/").dev;
  process.chdir(newRoot);
  freeInitrd("/", initrd);
  mount(".", "/", { flags: ["move"] });
  changeRoot(".");
}

/** Whether the current version of a root is the same program that runs in this initrd. */
export function isSameProgram(root: string): boolean {
  const current = join(PATH.system, "k3os/current");
  const target = join(root, current);
  if (linkTarget(target) !== linkTarget(current)) return false;
  const size = (directory: string) => statSync(join(directory, FILE.executable)).size;
  return existsSync(join(current, FILE.executable)) && size(current) === size(target);
}

/** Moves /proc, /sys, /dev and /run with all mounts below them from one root to another. */
export function moveKernelMounts(from: string, to: string): void {
  for (const path of KERNEL_MOUNT_POINTS) {
    mkdirSync(join(to, path), { recursive: true });
    mount(join(from, path), join(to, path), { flags: ["move"] });
  }
}

/** Deletes the contents of the initrd's own file system; mounts are other devices and are skipped. */
function freeInitrd(directory: string, device: number): void {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    const stat = lstatSync(path);
    if (stat.dev !== device) continue;
    if (!stat.isDirectory()) {
      unlinkSync(path);
      continue;
    }
    freeInitrd(path, device);
    if (existsSync(path) && readdirSync(path).length === 0) rmdirSync(path);
  }
}
