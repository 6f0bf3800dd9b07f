import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MIB } from "../../lib/tools/fs/size.ts";
import { output } from "./disk.ts";

/** What a file system may have run out of. */
export type Lack = "no free block" | "no free inode" | "neither block nor inode";

/** An ext4 file system on a small disk, mounted. Needs root. */
export interface SmallDisk extends Disposable {
  readonly root: string;
  /** Takes all there is of something, the reserve of root included. */
  fill(lack: Lack): void;
  /** For good: no remount makes it writable again. */
  makeReadOnly(): void;
}

/** Mounts a new one after `prepare` has put something on it; that may throw. */
export function mountSmallDisk(
  { size = 24 * MIB, inodes = 512 }: { readonly size?: number; readonly inodes?: number },
  prepare: (root: string) => void,
): SmallDisk {
  const directory = mkdtempSync(join(tmpdir(), "k3os-small-"));
  const [image, root] = [join(directory, "disk.img"), join(directory, "root")];
  mkdirSync(root);
  closeSync(openSync(image, "w"));
  truncateSync(image, size);
  output(["mkfs.ext4", "-q", "-F", "-b", "4096", "-N", String(inodes), image]);
  output(["mount", "-o", "loop", image, root]);
  const disk: SmallDisk = {
    root,
    fill: (lack) => {
      const fillers = join(root, "fillers");
      mkdirSync(fillers);
      if (lack !== "no free block") takeInodes(fillers);
      if (lack !== "no free inode")
        takeBlocks(lack === "no free block" ? join(fillers, "file") : join(fillers, "0"));
      output(["sync", "--file-system", root]);
      // what the kernel gives back when it has written all
      untilFull(() => writeFileSync(join(root, "more"), "x".repeat(4096), { flag: "a" }));
    },
    makeReadOnly: () => {
      patiently(["umount", root]);
      patiently(["mount", "-o", "loop,ro", image, root]);
    },
    [Symbol.dispose]: () => {
      patiently(["umount", root]);
      rmSync(directory, { recursive: true });
    },
  };
  try {
    prepare(root);
    return disk;
  } catch (error) {
    disk[Symbol.dispose]();
    throw error;
  }
}

/**
 * Retries for up to 10 s: on a busy machine, the namespaces of a boot that has just ended keep the file system in use for
 * a moment, and so does its loop device.
 */
function patiently(argv: readonly string[]): void {
  for (let left = 50; ; left--) {
    try {
      output(argv);
      return;
    } catch (error) {
      if (left <= 1) throw error;
      output(["sleep", "0.2"]);
    }
  }
}

function takeBlocks(path: string): void {
  const fd = openSync(path, "a");
  try {
    for (const size of [MIB, 4096]) untilFull(() => writeSync(fd, Buffer.alloc(size, "x")));
  } finally {
    closeSync(fd);
  }
}

function takeInodes(directory: string): void {
  let name = 0;
  untilFull(() => writeFileSync(join(directory, String(name++)), ""));
}

/** Throws where there is still room after so many times. */
function untilFull(action: () => unknown, atMost = 100_000): void {
  for (let times = 0; times < atMost; times++) {
    try {
      action();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOSPC") return;
      throw error;
    }
  }
  throw new Error("The file system does not get full");
}
