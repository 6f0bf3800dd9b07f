import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import { parseExport } from "../../lib/tools/disk/blkid.ts";
import { GIB, MIB } from "../../lib/tools/fs/size.ts";
import { runProgram } from "../../lib/tools/host/host.ts";
import { messageOf } from "../../lib/tools/text/errors.ts";
import { makeDisk, output } from "../support/disk.ts";
import { hurriedClock } from "../support/host.ts";
import { createInstaller, type Installer } from "../support/installer.ts";
import { addStaleArray, makeUsedDisk } from "../support/used-disk.ts";

const probe = (device: string) => parseExport(output(["blkid", "--probe", "--output", "export", device]));
const signatures = (device: string) => output(["wipefs", "--noheadings", "--output", "TYPE", device]);

let installer: Installer;
beforeAll(() => {
  installer = createInstaller();
});
afterAll(() => installer[Symbol.dispose]());

describe("k3os install over a used disk", () => {
  test.each(["gpt", "dos"] as const)("erases both ends of all partitions of an old %s", async (kind) => {
    using disk = makeDisk();
    makeUsedDisk(disk.file, { table: kind, size: 4 * GIB });
    output(["partx", "--update", disk.path]);
    const old: { start: number; size: number }[] = JSON.parse(output(["sfdisk", "--json", disk.path]))
      .partitiontable.partitions;
    expect(await installer.run(["--force", disk.path])).toBe(0);
    expect(signatures(disk.path)).toBe("dos");
    expect(signatures(`${disk.path}p1`)).toBe("ext4");
    const ends = old.flatMap(({ start, size }) => [start * 512, (start + size) * 512 - MIB]);
    const beyond = ends.filter((start) => start > 1025 * MIB);
    expect(beyond.length).toBeGreaterThan(0);
    for (const start of beyond) {
      output(["cmp", `--ignore-initial=${start}:0`, "--bytes=1024", disk.path, "/dev/zero"]);
    }
  });

  test("lets no superblock of an array stay at the end of the disk", async () => {
    using disk = makeDisk();
    addStaleArray(disk.file, 4 * GIB);
    expect(probe(disk.path).get("TYPE")).toBe("linux_raid_member");
    expect(await installer.run(["--force", disk.path])).toBe(0);
    expect(signatures(disk.path)).toBe("dos");
  });

  test("has the disk locked for udev and for others as long as it writes, its programs not waiting for that", async () => {
    using disk = makeDisk();
    const locked: Record<string, number> = {};
    const tryLock = ["flock", "--nonblock", disk.path, "true"];
    const run: typeof runProgram = async (argv, options) => {
      const [program = ""] = argv;
      if (["wipefs", "sfdisk", "mkfs.ext4", "umount"].includes(program) && !argv.includes("-n")) {
        locked[`${program}${argv.includes("--json") ? " --json" : ""}`] = (
          await runProgram(tryLock, { check: false })
        ).code;
      }
      return await runProgram(argv, options);
    };
    const before = process.env.LOCK_BLOCK_DEVICE;
    process.env.LOCK_BLOCK_DEVICE = "yes"; // as an administrator may have it
    try {
      expect(await installer.run([disk.path], { run })).toBe(0);
    } finally {
      if (before === undefined) delete process.env.LOCK_BLOCK_DEVICE;
      else process.env.LOCK_BLOCK_DEVICE = before;
    }
    expect(locked).toEqual({ wipefs: 1, sfdisk: 1, "mkfs.ext4": 1, umount: 1 });
    output(tryLock);
  });
});

describe("k3os install leaves as it was", () => {
  const failure = (argv: readonly string[]) =>
    installer.run(argv, { clock: hurriedClock() }).then(
      (status) => `exit status ${status}`,
      (error: unknown) => messageOf(error),
    );

  test("a disk that another program has locked", async () => {
    using locked = makeDisk();
    const holder = spawn("flock", [locked.path, "sh", "-c", "echo locked && read line"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    await new Promise((resolve) => holder.stdout.once("data", resolve));
    const empty = locked.hash();
    expect(await failure([locked.path])).toBe(
      `Locking ${locked.path}: Another program has locked "${locked.path}"`,
    );
    expect(locked.hash()).toBe(empty);
    holder.stdin.end("\n");
    await new Promise((resolve) => holder.once("close", resolve));
  });

  test("a disk one of whose partitions somebody has open", async () => {
    using used = makeDisk();
    output(["sfdisk", "--quiet", used.path], "label: gpt\nsize=1GiB\nsize=1GiB\n");
    output(["partx", "--update", used.path]);
    const opener = openSync(`${used.path}p2`, "r");
    try {
      const before = used.hash();
      expect(await failure(["--force", used.path])).toBe(
        `Taking ${used.path} out of use: Another program has "${used.path}p2" open`,
      );
      expect(used.hash()).toBe(before);
      expect(existsSync(`${used.path}p1`)).toBe(true); // the kernel knows the partitions again
    } finally {
      closeSync(opener);
    }
  });
});
