import { describe, expect, test } from "bun:test";
import { lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, utimesSync } from "node:fs";
import { wouldChange, writeFileAtomic } from "../../../../lib/tools/fs/atomic.ts";
import { testHost } from "../../../support/host.ts";

function modeOf(path: string): number {
  return statSync(path).mode & 0o7777;
}

describe("writeFileAtomic()", () => {
  test("writes content and permissions, and leaves no other file", () => {
    using host = testHost();
    expect(writeFileAtomic(`${host.root}/file`, "text", { mode: 0o640 })).toBe(true);
    expect(readFileSync(`${host.root}/file`, "utf8")).toBe("text");
    expect(modeOf(`${host.root}/file`)).toBe(0o640);
    expect(readdirSync(host.root)).toEqual(["file"]);
  });

  test("keeps set-id bits, whatever the umask", () => {
    using host = testHost();
    const umask = process.umask(0o077);
    try {
      writeFileAtomic(`${host.root}/file`, "text", { mode: 0o4755 });
    } finally {
      process.umask(umask);
    }
    expect(modeOf(`${host.root}/file`)).toBe(0o4755);
  });

  test("does not touch a file that is as wanted", () => {
    using host = testHost({ files: { "/file": "text" } });
    utimesSync(`${host.root}/file`, 1, 1);
    const { ino } = statSync(`${host.root}/file`);
    expect(writeFileAtomic(`${host.root}/file`, "text")).toBe(false);
    expect(statSync(`${host.root}/file`)).toMatchObject({ mtimeMs: 1000, ino });
  });

  test("changes only the permissions where only they differ", () => {
    using host = testHost({ files: { "/file": "text" } });
    utimesSync(`${host.root}/file`, 1, 1);
    expect(writeFileAtomic(`${host.root}/file`, "text", { mode: 0o600 })).toBe(true);
    expect(modeOf(`${host.root}/file`)).toBe(0o600);
    expect(statSync(`${host.root}/file`).mtimeMs).toBe(1000);
  });

  test("replaces content of the same length", () => {
    using host = testHost({ files: { "/file": "aaaa" } });
    expect(writeFileAtomic(`${host.root}/file`, "bbbb")).toBe(true);
    expect(readFileSync(`${host.root}/file`, "utf8")).toBe("bbbb");
  });

  test("replaces a symbolic link and leaves its target alone", () => {
    using host = testHost({ files: { "/target": "text" } });
    symlinkSync("target", `${host.root}/link`);
    expect(writeFileAtomic(`${host.root}/link`, "text")).toBe(true);
    expect(lstatSync(`${host.root}/link`).isFile()).toBe(true);
    writeFileAtomic(`${host.root}/link`, "other");
    expect(readFileSync(`${host.root}/target`, "utf8")).toBe("text");
  });

  test("makes parents only where asked to", () => {
    using host = testHost();
    expect(() => writeFileAtomic(`${host.root}/a/b/file`, "")).toThrow(
      `Cannot write "${host.root}/a/b/file"`,
    );
    writeFileAtomic(`${host.root}/a/b/file`, "", { parents: true });
    expect(statSync(`${host.root}/a/b`).isDirectory()).toBe(true);
  });

  test("leaves no temporary file when it fails", () => {
    using host = testHost();
    mkdirSync(`${host.root}/directory`);
    expect(() => writeFileAtomic(`${host.root}/directory`, "text")).toThrow("Cannot write");
    expect(readdirSync(host.root)).toEqual(["directory"]);
    expect(readdirSync(`${host.root}/directory`)).toEqual([]);
  });

  test("takes a name as long as the file system allows", () => {
    using host = testHost();
    const name = "n".repeat(255);
    writeFileAtomic(`${host.root}/${name}`, "text");
    expect(readdirSync(host.root)).toEqual([name]);
  });
});

test("wouldChange() says what writeFileAtomic() does", () => {
  using host = testHost();
  const file = `${host.root}/file`;
  expect(wouldChange(file, "text")).toBe(true);
  expect(writeFileAtomic(file, "text")).toBe(true);
  expect(wouldChange(file, "text")).toBe(false);
  expect(wouldChange(file, "texT")).toBe(true);
  expect(wouldChange(file, "text", { mode: 0o600 })).toBe(true);
});
