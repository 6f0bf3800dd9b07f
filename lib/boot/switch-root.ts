import { existsSync, lstatSync, mkdirSync, readdirSync, rmdirSync, statSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { linkTarget } from "../tools/fs/links.ts";
import { FILE, PATH } from "../tools/host/paths.ts";
import { changeRoot, mount } from "../tools/host/sys.ts";
import { KERNEL_MOUNT_POINTS } from "./mounts.ts";

/**
 * Leaves the initrd for a mounted root, as switch_root(8) does: moves the kernel's mounts over, frees the memory that the
 * initrd's files take, and makes the new root "/". pivot_root(2) cannot do it, since the initial root cannot be moved.
 */
export function switchRoot(newRoot: string): void {
  moveKernelMounts("/", newRoot);
  const initrd = statSync("/").dev;
  process.chdir(newRoot);
  freeInitrd("/", initrd);
  mount(".", "/", { flags: ["move"] });
  changeRoot(".");
}

/** Whether a root's current version is the very program that runs in this initrd. */
export function isSameProgram(root: string): boolean {
  const ours = join(PATH.system, "k3os/current");
  const theirs = join(root, ours);
  if (linkTarget(theirs) !== linkTarget(ours)) return false;
  const size = (directory: string) => statSync(join(directory, FILE.executable)).size;
  return existsSync(join(ours, FILE.executable)) && size(ours) === size(theirs);
}

/** Moves /proc, /sys, /dev and /run with all that is mounted below them from one root to another. */
export function moveKernelMounts(from: string, to: string): void {
  for (const path of KERNEL_MOUNT_POINTS) {
    mkdirSync(join(to, path), { recursive: true });
    mount(join(from, path), join(to, path), { flags: ["move"] });
  }
}

/** Deletes what lies on the initrd's own file system; mounts are another device and are not entered. */
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
