import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GIB } from "../../lib/tools/fs/size.ts";

/** A disk that is a sparse file, attached to a loop device. Needs root. */
export interface TestDisk extends Disposable {
  /** `/dev/loop3` */
  readonly path: string;
  readonly file: string;
  /** SHA-256 of the content. */
  hash(): string;
  /** The first bytes. */
  start(bytes: number): Buffer;
}

export function makeDisk(size = 4 * GIB): TestDisk {
  const directory = mkdtempSync(join(tmpdir(), "k3os-disk-"));
  const file = join(directory, "disk.img");
  closeSync(openSync(file, "w"));
  truncateSync(file, size);
  const path = output(["losetup", "--find", "--show", file]);
  return {
    path,
    file,
    hash: () => {
      // a disk and its partitions have caches of their own, and the file has another
      output([
        "sh",
        "-c",
        `for node in ${path} ${path}p*; do [ ! -e $node ] || blockdev --flushbufs $node; done`,
      ]);
      // the copy has holes exactly where there are zeros: hashing skips them, and gigabytes of nothing take no time
      const copy = `cp --sparse=always ${file} ${file}.copy`;
      const pack = `tar --create --sparse --mtime=@0 --directory=${directory} disk.img.copy`;
      return output(["sh", "-c", `${copy} && ${pack} | sha256sum && rm ${file}.copy`]);
    },
    start: (bytes) => {
      const fd = openSync(path, "r");
      try {
        const buffer = Buffer.alloc(bytes);
        return buffer.subarray(0, readSync(fd, buffer, 0, bytes, 0));
      } finally {
        closeSync(fd);
      }
    },
    [Symbol.dispose]: () => {
      output(["sh", "-c", `partx --delete ${path} 2>/dev/null; losetup --detach ${path}`]);
      rmSync(directory, { recursive: true });
    },
  };
}

/** What a program prints, without the final newline; throws if it fails. */
export function output(argv: readonly string[], input = "", cwd?: string): string {
  const [file = "", ...args] = argv;
  const stdio: ["pipe", "pipe", "pipe"] = ["pipe", "pipe", "pipe"];
  return execFileSync(file, args, { input, cwd, encoding: "utf8", stdio }).trimEnd();
}

/** Mounts `source` read-only while `use` looks at it. */
export async function whileMounted<T>(source: string, use: (root: string) => T | Promise<T>): Promise<T> {
  const root = mkdtempSync(join(tmpdir(), "k3os-mnt-"));
  output(["mount", "--options", "ro", source, root]);
  try {
    return await use(root);
  } finally {
    output(["umount", root]);
    rmSync(root, { recursive: true });
  }
}
