import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { lstatSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writePieces } from "../../../../lib/make/image/pieces.ts";
import { type TarEntry, tarPieces } from "../../../../lib/make/image/tar.ts";
import { runProgram } from "../../../../lib/tools/host/host.ts";

const DAY = 86_400;
const LONG = `k3os/system/k3os/v0.30.0-rc.1+${"0123456789".repeat(7)}`;
const ENTRIES: readonly TarEntry[] = [
  { kind: "directory", path: "bin" },
  { kind: "file", path: "bin/tool", mode: 0o755, content: [Buffer.from("to"), Buffer.from("ol\n")] },
  { kind: "file", path: "empty", mode: 0o644, content: [] },
  { kind: "link", path: "init", target: "/bin/tool" },
  { kind: "file", path: `${LONG}/k3os.squashfs`, mode: 0o644, content: [new Uint8Array(512)] },
];

let scratch = "";
let archive = "";

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "k3os-tar-"));
  archive = join(scratch, "archive.tar");
  await writePieces(archive, tarPieces(ENTRIES, DAY));
});

afterAll(() => rmSync(scratch, { recursive: true }));

describe("tarPieces()", () => {
  test.each(["tar", "busybox tar"])("is unpacked by %s", async (program) => {
    const root = mkdtempSync(join(scratch, "root-"));
    await runProgram([...program.split(" "), "-xf", archive, "-C", root]);
    expect(readFileSync(join(root, "bin/tool"), "utf8")).toBe("tool\n");
    expect(lstatSync(join(root, "bin/tool")).mode & 0o777).toBe(0o755);
    expect(lstatSync(join(root, "bin/tool")).mtimeMs).toBe(DAY * 1000);
    expect(lstatSync(join(root, "empty")).size).toBe(0);
    expect(readlinkSync(join(root, "init"))).toBe("/bin/tool");
    expect(lstatSync(join(root, LONG, "k3os.squashfs")).size).toBe(512);
  });

  test("owns everything by root, by number", async () => {
    const { stdout } = await runProgram(["tar", "-tvf", archive]);
    const lines = stdout.trim().split("\n");
    expect(lines.map((line) => line.split(/\s+/)[1])).toEqual(ENTRIES.map(() => "0/0"));
    expect(lines[0]).toStartWith("drwxr-xr-x");
  });

  test("reads the sizes of files that are to be put in", async () => {
    const file = join(scratch, "source");
    writeFileSync(file, "from a file");
    const put = join(scratch, "put.tar");
    await writePieces(put, tarPieces([{ kind: "file", path: "a", mode: 0o644, content: [{ file }] }], 0));
    expect((await runProgram(["tar", "-xOf", put, "a"])).stdout).toBe("from a file");
    expect(lstatSync(put).size).toBe(4 * 512);
  });

  test("refuses what has no room in a header", () => {
    const entries: readonly TarEntry[] = [
      { kind: "link", path: "a", target: "x".repeat(101) },
      { kind: "directory", path: "x".repeat(101) },
      { kind: "directory", path: `${"x".repeat(156)}/${"y".repeat(90)}` },
    ];
    for (const entry of entries) {
      expect(() => tarPieces([entry], 0)).toThrow("does not fit into a tar archive");
    }
  });
});
