import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { MIB } from "../../lib/tools/fs/size.ts";
import { output } from "./disk.ts";
import { cutPoints, type DiskWrite, parseWriteLog } from "./write-log.ts";

export interface RecordOptions {
  /** Bytes of the disk; default 64 MiB. */
  readonly size?: number;
  /** Puts on the file system what is there when the work begins. */
  readonly prepare?: (root: string) => Promise<void> | void;
  /**
   * The last moment that is recorded: when the work is done (default), so many milliseconds later, which may be time for
   * a commit of the journal (every 5 s) or for the kernel to write data (30 s), or when all is written.
   */
  readonly until?: "done" | "unmounted" | number;
  /**
   * The journal is committed with each change of a directory, and metadata are written to where they belong again and
   * again: what the kernel may do at any time, and does if the work is slow. Default: only when the work or the kernel
   * itself asks for it.
   */
  readonly restless?: boolean;
}

/** Everything that reached a disk while some work was done on its file system. */
export interface Recording extends Disposable {
  /** Holds the images: in memory, for there will be hundreds. */
  readonly directory: string;
  readonly writes: readonly DiskWrite[];
}

/** The disk of a machine that lost its power. */
export interface PowerCut {
  /** How many requests had reached the disk. */
  readonly writes: number;
  /** The disk: what a boot loader sees that does not replay the journal; see {@link readAsGrub}. */
  readonly image: string;
  /** The file system after that, its journal replayed, mounted until the next cut; may be written to. */
  readonly root: string;
}

const BASE = "base.img";
const MKFS_OPTIONS = ["-b", "4096", "-E", "lazy_itable_init=0"]; // nothing that the kernel would do later by itself

/**
 * Makes an ext4 disk, does `work` on its mounted root, and records each request that reaches the disk meanwhile, in
 * order. Needs root, FUSE and loop devices.
 *
 * What is not looked at: a real disk may reorder requests between two flushes, and tear one that is larger than a sector.
 */
export async function recordWrites(
  options: RecordOptions,
  work: (root: string) => Promise<void> | void,
): Promise<Recording> {
  const directory = mkdtempSync(join(tmpdir(), "k3os-power-"));
  output(["mount", "-t", "tmpfs", "tmpfs", directory]);
  const dispose = () => {
    output(["umount", directory]);
    rmSync(directory, { recursive: true });
  };
  try {
    await makeBase(directory, options);
    return { directory, writes: await record(directory, options, work), [Symbol.dispose]: dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

/**
 * Each power cut that the disk of a recording may have met, in order; of too many at most `atMost`. A file system that
 * cannot be mounted any more throws.
 */
export function* everyPrefix(
  { directory, writes }: Recording,
  { atMost = Number.POSITIVE_INFINITY }: { readonly atMost?: number } = {},
): Generator<PowerCut, void, undefined> {
  const image = join(directory, "cut.img");
  copyImage(join(directory, BASE), image);
  let done = 0;
  for (const count of cutPoints(writes, atMost)) {
    apply(image, writes.slice(done, count));
    done = count;
    // under a name of its own: mount(8) would take the loop device of the one before, and what that remembers of it
    const booted = join(directory, `booted-${count}.img`);
    copyImage(image, booted);
    {
      using mounted = mountDisk(booted, directory);
      yield { writes: count, image, root: mounted.root };
    }
    rmSync(booted);
  }
}

/**
 * A file as GRUB reads it, with GRUB's own code and without replaying the journal; undefined where it cannot. `image`
 * holds a file system, not a disk with partitions.
 */
export function readAsGrub(image: string, path: string): Buffer | undefined {
  const { error, status, stdout } = spawnSync("grub-fstest", [image, "cat", path], { maxBuffer: 64 * MIB });
  if (error !== undefined) throw error;
  return status === 0 ? stdout : undefined;
}

async function makeBase(directory: string, { size = 64 * MIB, prepare }: RecordOptions): Promise<void> {
  const base = join(directory, BASE);
  closeSync(openSync(base, "w"));
  truncateSync(base, size);
  output(["mkfs.ext4", "-q", "-F", ...MKFS_OPTIONS, base]);
  using mounted = mountDisk(base, directory);
  await prepare?.(mounted.root);
}

async function record(
  directory: string,
  { until = "done", restless = false }: RecordOptions,
  work: (root: string) => Promise<void> | void,
): Promise<DiskWrite[]> {
  copyImage(join(directory, BASE), join(directory, "disk.img"));
  const log = join(directory, "log");
  let end: number;
  {
    await using disk = await loggedDisk(directory, log);
    {
      using mounted = mountDisk(disk.path, directory, restless ? ["dirsync"] : []);
      {
        await using _unrest = restless ? writeMetadata(mounted.root, directory) : undefined;
        await work(mounted.root);
      }
      if (typeof until === "number") await sleep(until);
      end = statSync(log).size;
    }
    if (until === "unmounted") end = statSync(log).size;
  }
  return parseWriteLog(readFileSync(log).subarray(0, end));
}

/** A file that shows `disk.img` and notes in `log` what is written to it. */
async function loggedDisk(directory: string, log: string): Promise<{ path: string } & AsyncDisposable> {
  const path = join(directory, "logged.img");
  for (const file of [log, path]) writeFileSync(file, "");
  const daemon = spawn("qemu-storage-daemon", [
    ...["--blockdev", `driver=file,node-name=disk,filename=${join(directory, "disk.img")}`],
    ...["--blockdev", `driver=file,node-name=log,filename=${log}`],
    ...["--blockdev", "driver=blklogwrites,node-name=logged,file=disk,log=log"],
    ...["--export", `type=fuse,id=export,node-name=logged,mountpoint=${path},writable=on`],
  ]);
  const ended = new Promise<void>((resolve) => daemon.once("close", () => resolve()));
  await serving(daemon, path);
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      daemon.kill();
      await ended;
    },
  };
}

/** Until the export is there: the file is empty before. */
async function serving(daemon: ChildProcess, path: string): Promise<void> {
  let said = "";
  daemon.stderr?.on("data", (chunk: Buffer) => {
    said += chunk;
  });
  daemon.on("error", (error) => {
    said += error.message;
  });
  for (const deadline = performance.now() + 10_000; statSync(path).size === 0; await sleep(5)) {
    if (daemon.pid === undefined || daemon.exitCode !== null || performance.now() > deadline) {
      daemon.kill();
      throw new Error(`qemu-storage-daemon does not serve "${path}": ${said}`);
    }
  }
}

function mountDisk(
  file: string,
  directory: string,
  options: readonly string[] = [],
): { readonly root: string } & Disposable {
  const root = join(directory, "root");
  mkdirSync(root, { recursive: true });
  output(["mount", "-t", "ext4", "-o", ["loop", ...options].join(","), file, root]);
  return { root, [Symbol.dispose]: () => void output(["umount", root]) };
}

/** Flushing the device writes the metadata of the transactions that are committed, but no data. */
function writeMetadata(root: string, directory: string): AsyncDisposable {
  const device = output(["findmnt", "--noheadings", "--output", "SOURCE", root]);
  const wanted = join(directory, "restless");
  writeFileSync(wanted, "");
  const child = spawn("sh", ["-c", 'while [ -e "$1" ]; do sync "$2" || exit; done', "sh", wanted, device]);
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  return {
    [Symbol.asyncDispose]: async () => {
      rmSync(wanted);
      await ended;
    },
  };
}

function apply(image: string, writes: readonly DiskWrite[]): void {
  const fd = openSync(image, "r+");
  try {
    for (const { offset, data } of writes) writeSync(fd, data, 0, data.length, offset);
  } finally {
    closeSync(fd);
  }
}

function copyImage(from: string, to: string): void {
  output(["cp", "--sparse=always", from, to]);
}
