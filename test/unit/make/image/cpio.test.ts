import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { lstatSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CpioEntry, cpioArchive, parentDirectories } from "../../../../lib/make/image/cpio.ts";

const ENTRIES: readonly CpioEntry[] = [
  { kind: "directory", path: "bin" },
  { kind: "file", path: "bin/tool", mode: 0o755, content: Buffer.from("tool\n") },
  { kind: "link", path: "init", target: "/bin/tool" },
  { kind: "file", path: "odd", content: Buffer.from("123") },
];

/** The header fields of the first member: an archive begins with "070701" and thirteen numbers of eight digits. */
function fieldsOf(archive: Uint8Array): number[] {
  const text = Buffer.from(archive).toString("latin1", 6, 6 + 13 * 8);
  return (text.match(/.{8}/g) ?? []).map((digits) => Number.parseInt(digits, 16));
}

describe("cpioArchive()", () => {
  test("is unpacked by cpio with content, modes and links", () => {
    const directory = mkdtempSync(join(tmpdir(), "k3os-cpio-"));
    try {
      const options = { cwd: directory, input: cpioArchive(ENTRIES, 86_400) };
      const { status } = spawnSync("cpio", ["--extract", "--quiet", "--preserve-modification-time"], options);
      expect(status).toBe(0);
      expect(readFileSync(join(directory, "bin/tool"), "utf8")).toBe("tool\n");
      expect(lstatSync(join(directory, "bin/tool")).mode & 0o777).toBe(0o755);
      expect(lstatSync(join(directory, "odd")).mtimeMs).toBe(86_400_000);
      expect(readFileSync(join(directory, "odd"), "utf8")).toBe("123");
      expect(readlinkSync(join(directory, "init"))).toBe("/bin/tool");
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test("gives every member to root and the one time", () => {
    const [, mode, uid, gid, , mtime] = fieldsOf(cpioArchive(ENTRIES, 1000));
    expect({ mode, uid, gid, mtime }).toEqual({ mode: 0o040755, uid: 0, gid: 0, mtime: 1000 });
  });

  test("fills up to 512 bytes, so that archives can follow each other", () => {
    expect(cpioArchive(ENTRIES, 0).length % 512).toBe(0);
  });

  test("writes device nodes with their numbers", () => {
    const node: CpioEntry = { kind: "character", path: "console", mode: 0o600, major: 5, minor: 1 };
    const [, mode, , , , , , , , major, minor] = fieldsOf(cpioArchive([node], 0));
    expect({ mode, major, minor }).toEqual({ mode: 0o020600, major: 5, minor: 1 });
  });
});

describe("parentDirectories()", () => {
  test("names each directory once, parents first", () => {
    const paths = parentDirectories(["a/b/c", "a/d", "top"]).map((entry) => entry.path);
    expect(paths).toEqual(["a", "a/b"]);
  });
});
