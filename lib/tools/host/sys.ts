import { closeSync, openSync } from "node:fs";
import { constants } from "node:os";
import { getSystemErrorName } from "node:util";
import { CommandError } from "../text/errors.ts";
import { type Argument, syscall } from "./native.ts";
import type { PowerChange } from "./power.ts";

/**
 * System call numbers by `process.arch`.
 * Source: https://github.com/torvalds/linux/blob/master/arch/x86/entry/syscalls/syscall_64.tbl, and beside it
 * include/uapi/asm-generic/unistd.h and arch/arm/tools/syscall.tbl.
 */
const NUMBERS = {
  mount: { x64: 165, arm64: 40, arm: 21 },
  umount2: { x64: 166, arm64: 39, arm: 52 },
  pivot_root: { x64: 155, arm64: 41, arm: 218 },
  chroot: { x64: 161, arm64: 51, arm: 61 },
  sethostname: { x64: 170, arm64: 161, arm: 74 },
  reboot: { x64: 169, arm64: 142, arm: 88 },
  sync: { x64: 162, arm64: 81, arm: 36 },
  syncfs: { x64: 306, arm64: 267, arm: 373 },
  ioctl: { x64: 16, arm64: 29, arm: 54 },
  prlimit64: { x64: 302, arm64: 261, arm: 369 },
  flock: { x64: 73, arm64: 32, arm: 143 },
  renameat2: { x64: 316, arm64: 276, arm: 382 },
} as const satisfies Readonly<Record<string, Readonly<Record<string, number>>>>;

/** ext4's error for a damaged file system; the runtimes have no name for it. */
const EUCLEAN = 117;

/** A failed system call; `errno` is the positive error number. */
export class SystemCallError extends CommandError {
  override readonly name = "SystemCallError";
  readonly errno: number;

  constructor(what: string, errno: number) {
    super(`${what} failed (${errno === EUCLEAN ? "EUCLEAN" : getSystemErrorName(-errno)})`);
    this.errno = errno;
  }
}

function call(name: keyof typeof NUMBERS, what: string, ...args: readonly Argument[]): number {
  const numbers: Readonly<Record<string, number>> = NUMBERS[name];
  const number = numbers[process.arch];
  if (number === undefined) throw new CommandError(`No system call "${name}" for "${process.arch}"`);
  const result = syscall(number, ...args);
  if (result < 0) throw new SystemCallError(what, -result);
  return result;
}

/** Mount flags of mount(2), linux/mount.h. */
const MOUNT_FLAGS = {
  ro: 1,
  nosuid: 2,
  nodev: 4,
  noexec: 8,
  remount: 32,
  noatime: 1024,
  bind: 4096,
  move: 8192,
  rec: 16384,
  private: 1 << 18,
  shared: 1 << 20,
  relatime: 1 << 21,
} as const;

export type MountFlag = keyof typeof MOUNT_FLAGS;

/** Mounts `source` on `target`. Throws SystemCallError. */
export function mount(
  source: string,
  target: string,
  options: { type?: string; flags?: readonly MountFlag[]; data?: string } = {},
): void {
  const flags = (options.flags ?? []).reduce((sum, flag) => sum | MOUNT_FLAGS[flag], 0);
  const what = `Mounting "${source}" on "${target}"`;
  call("mount", what, source, target, options.type ?? null, flags, options.data ?? null);
}

/** Unmounts `target`; `lazy` detaches it now and frees it when it is no longer used (MNT_DETACH). */
export function unmount(target: string, options: { lazy?: boolean } = {}): void {
  call("umount2", `Unmounting "${target}"`, target, options.lazy ? 2 : 0);
}

/** Makes the mount `newRoot` the root of this mount namespace; the old root appears at `putOld` below it. */
export function pivotRoot(newRoot: string, putOld: string): void {
  call("pivot_root", `Changing the root to "${newRoot}"`, newRoot, putOld);
}

/** Changes the root with chroot(2), and the working directory to the new root. */
export function changeRoot(path: string): void {
  call("chroot", `Entering "${path}"`, path);
  process.chdir("/");
}

/** Sets the kernel's host name, at most 64 bytes. */
export function setHostname(name: string): void {
  call("sethostname", `Setting the host name to "${name}"`, name, Buffer.byteLength(name));
}

/** Writes all file systems to their devices. */
export function sync(): void {
  call("sync", "Writing data to disk");
}

const LOCK = { exclusive: 2, nonBlocking: 4 } as const; // asm-generic/fcntl.h

/**
 * Locks an open file for this process alone, until the descriptor is closed or the process ends in any way:
 * flock(2). False if another process holds the lock. Throws SystemCallError.
 */
export function tryLock(fd: number): boolean {
  try {
    call("flock", "Locking", fd, LOCK.exclusive | LOCK.nonBlocking);
    return true;
  } catch (error) {
    if (error instanceof SystemCallError && error.errno === constants.errno.EWOULDBLOCK) return false;
    throw error;
  }
}

const AT_FDCWD = -100; // linux/fcntl.h
const RENAME_EXCHANGE = 2; // linux/fs.h

/**
 * Exchanges two paths of one file system in one step: neither is ever missing. Throws SystemCallError; EINVAL if the
 * file system does not support it.
 */
export function exchange(a: string, b: string): void {
  call("renameat2", `Exchanging "${a}" and "${b}"`, AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
}

/** Writes the file system at `path` to its device, including metadata to its final location. Throws SystemCallError. */
export function syncFileSystem(path: string): void {
  const fd = openSync(path, "r");
  try {
    call("syncfs", `Writing the file system at "${path}" to disk`, fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Sets the label, at most 16 bytes, of the mounted ext4 file system at `path`.
 * Requires Linux 5.17. Throws SystemCallError.
 * Source: FS_IOC_SETFSLABEL in https://github.com/torvalds/linux/blob/master/include/uapi/linux/fs.h
 */
export function setFileSystemLabel(path: string, label: string): void {
  const fd = openSync(path, "r");
  try {
    const text = Buffer.alloc(256);
    text.write(label);
    call("ioctl", `Labelling the file system at "${path}"`, fd, 0x4100_9432, text);
  } finally {
    closeSync(fd);
  }
}

/** Reboots or powers off at once, as process 1 may; linux/reboot.h. */
export function reboot(how: PowerChange): void {
  sync();
  call("reboot", "Restarting", 0xfee1dead | 0, 672274793, how === "restart" ? 0x01234567 : 0x4321fedc);
}

const LIMITS = { processes: 6, openFiles: 7, lockedMemory: 8 } as const; // asm-generic/resource.h
export const UNLIMITED = 0xffff_ffff_ffff_ffffn;

/** Sets the soft and the hard limit of a resource of this process. */
export function setLimit(resource: keyof typeof LIMITS, value: bigint): void {
  const limit = Buffer.alloc(16);
  limit.writeBigUInt64LE(value, 0);
  limit.writeBigUInt64LE(value, 8);
  call("prlimit64", `Setting the limit of ${resource}`, 0, LIMITS[resource], limit, null);
}

/**
 * A loop device of an image; the kernel frees it at the end of the scope, or when nothing is mounted from it any more.
 */
export interface LoopDevice extends Disposable {
  /** Such as `/dev/loop0`. */
  readonly path: string;
}

const LOOP_TRIES = 16;

/**
 * Attaches an open image file, read-only, to a free loop device; `name` is the name that losetup(8) shows.
 * Source: LOOP_CTL_GET_FREE, LOOP_SET_FD, LOOP_SET_STATUS64 and LO_FLAGS_AUTOCLEAR in
 * https://man7.org/linux/man-pages/man4/loop.4.html. They exist since Linux 3.1; LOOP_CONFIGURE needs 5.8.
 * Throws SystemCallError.
 */
export function attachImage(image: number, name: string): LoopDevice {
  const control = openSync("/dev/loop-control", "r+");
  try {
    for (let tries = 1; ; tries++) {
      const number = call("ioctl", "Finding a free loop device", control, 0x4c82, 0);
      const path = `/dev/loop${number}`;
      const device = openSync(path, "r");
      try {
        call("ioctl", `Attaching "${name}" to "${path}"`, device, 0x4c00, image);
        const info = Buffer.alloc(232);
        info.writeUInt32LE(1 | 4, 52); // lo_flags: read-only, autoclear
        info.write(name.slice(0, 63), 56); // lo_file_name
        call("ioctl", `Configuring "${path}"`, device, 0x4c04, info);
        return { path, [Symbol.dispose]: () => closeSync(device) };
      } catch (error) {
        closeSync(device);
        // another program has just attached an image to it
        const isTaken = error instanceof SystemCallError && error.errno === constants.errno.EBUSY;
        if (!isTaken || tries === LOOP_TRIES) throw error;
      }
    }
  } finally {
    closeSync(control);
  }
}

/** Mounts a read-only image file through a loop device that is freed on unmount. Throws SystemCallError. */
export function mountImage(file: string, target: string, type: string): void {
  const image = openSync(file, "r");
  try {
    using device = attachImage(image, file);
    mount(device.path, target, { type, flags: ["ro"] });
  } finally {
    closeSync(image);
  }
}
