import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { isThere } from "../tools/fs/links.ts";
import { cmd } from "../tools/host/cmd.ts";
import { FILE, PATH } from "../tools/host/paths.ts";
import { mount, mountImage, pivotRoot, setLimit, UNLIMITED, unmount } from "../tools/host/sys.ts";
import { CommandError, messageOf } from "../tools/text/errors.ts";
import type { BootHost } from "./boot-host.ts";
import { moveKernelMounts } from "./switch-root.ts";

/** Links in the root to directories of /usr (the usr-merge of Debian; older k3OS made all but the last). */
const USR_LINKS = ["bin", "sbin", "lib", "lib64"];

const DATA = "/k3os/data";
const LOOP_CONTROL = "/dev/loop-control";
/** Below /usr. */
const SERVICE_MANAGER = "lib/systemd/systemd";

/**
 * Changes "/" from the state file system (or a foreign board's root) to `/k3os/data`: the userland of the current
 * version is mounted read-only at /usr and the old root is at /.base. Throws CommandError with the reason, and restores
 * the mounts.
 */
export async function enterRoot(host: BootHost): Promise<void> {
  remountWritable(host);
  requireWritable();
  await loadModules(host);
  const image = rootImage();
  const usr = join(DATA, "usr");
  mount(DATA, DATA, { flags: ["bind", "rec"] });
  try {
    mkdirSync(usr, { recursive: true });
    mkdirSync(join(DATA, PATH.base), { recursive: true });
    mountImage(image, usr, "squashfs");
    if (!existsSync(join(usr, SERVICE_MANAGER))) {
      throw new CommandError(`The root image "${image}" holds no service manager (/usr/${SERVICE_MANAGER})`);
    }
    for (const name of USR_LINKS) {
      if (!isThere(join(DATA, name))) symlinkSync(join("usr", name), join(DATA, name));
    }
    mount("none", "/", { flags: ["private", "rec"] }); // pivot_root refuses shared mounts
    moveKernelMounts("/", DATA);
    pivot(host);
  } catch (error) {
    unmount(DATA, { lazy: true });
    throw error;
  }
  process.chdir("/");
  raiseLimits(host);
}

function pivot(host: BootHost): void {
  try {
    pivotRoot(DATA, join(DATA, PATH.base));
  } catch (cause) {
    moveKernelMounts(DATA, "/");
    host.log.debug(messageOf(cause));
    throw new CommandError(`Cannot make "${DATA}" the root`, {
      cause,
      hint: "a root in memory (an initramfs that stays) is not supported",
    });
  }
}

/**
 * Raises the limits, as the original did: containers inherit them. Failures are only reported: a container may lack the
 * permission.
 */
function raiseLimits(host: BootHost): void {
  try {
    setLimit("openFiles", 1_048_576n);
    setLimit("processes", UNLIMITED);
    setLimit("lockedMemory", 67_108_864n);
  } catch (error) {
    host.log.warn(messageOf(error));
  }
}

/** Boards often boot with `ro`. */
export function remountWritable(host: BootHost): void {
  try {
    mount("none", "/", { flags: ["remount", "relatime"] });
  } catch (error) {
    host.log.warn(messageOf(error));
  }
}

function requireWritable(): void {
  try {
    mkdirSync(DATA, { recursive: true });
    accessSync(DATA, constants.W_OK); // root has this permission if the file system is writable
  } catch (cause) {
    throw new CommandError(`"${DATA}" cannot be written to`, { cause });
  }
}

/**
 * Loads the modules loop and squashfs if the kernel lacks them. Our initrd has done this already; a foreign kernel may
 * have them in its own root. Throws CommandError if there are none.
 */
async function loadModules(host: BootHost): Promise<void> {
  const missing = [
    ...(existsSync(LOOP_CONTROL) ? [] : ["loop"]),
    ...(hasFileSystem("squashfs") ? [] : ["squashfs"]),
  ];
  if (missing.length === 0) return;
  for (const name of missing) await loadModule(name, host);
  const hint = "its builder must enable it: without it no root image can be mounted";
  if (!existsSync(LOOP_CONTROL)) throw new CommandError("This kernel has no loop devices", { hint });
  if (!hasFileSystem("squashfs")) throw new CommandError("This kernel cannot read squashfs", { hint });
}

async function loadModule(name: string, host: BootHost): Promise<void> {
  try {
    await host.run(cmd`modprobe ${name}`);
  } catch (error) {
    host.log.debug(messageOf(error)); // a missing module is reported where it is needed
  }
}

function hasFileSystem(type: string): boolean {
  return new RegExp(`\\t${type}$`, "m").test(readFileSync("/proc/filesystems", "utf8"));
}

function rootImage(): string {
  const current = join(PATH.system, "k3os/current");
  if (!existsSync(current)) throw new CommandError(`"${current}" does not lead to a k3OS version`);
  const image = join(realpathSync(current), FILE.rootSquashfs);
  if (existsSync(image)) return image;
  throw new CommandError(`The root image "${image}" is missing`, {
    hint: "boot the previous version, or install this one again",
  });
}
