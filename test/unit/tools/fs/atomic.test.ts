import { describe, expect, test } from "bun:test";
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { removeUnfinished, wouldChange, writeFileAtomic } from "../../../../lib/tools/fs/atomic.ts";
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

describe("what a power cut has left of a write", () => {
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").slice(0, 6);
  const other = boot === "0123ab" ? "0123ac" : "0123ab";
  const names = {
    own: `.file.${other}ffffff`,
    another: `.other.${other}ffffff`,
    running: `.file.${boot}ffffff`,
    foreign: [".file.abc", `.file.${other}FFFFFF`, `file.${other}ffffff`, `.${other}ffffff`],
  };
  const all = [names.own, names.another, names.running, ...names.foreign];
  const full = () => testHost({ files: Object.fromEntries(all.map((name) => [`/${name}`, "te"])) });

  test("goes with the next write of that file, and a write that goes on stays", () => {
    using host = full();
    writeFileAtomic(`${host.root}/file`, "text");
    expect(readdirSync(host.root).sort()).toEqual(
      ["file", ...all.filter((name) => name !== names.own)].sort(),
    );
  });

  test("goes for every file of a directory by removeUnfinished()", () => {
    using host = full();
    mkdirSync(`${host.root}/.directory.${other}ffffff`);
    removeUnfinished(host.root);
    expect(readdirSync(host.root).sort()).toEqual(
      [names.running, ...names.foreign, `.directory.${other}ffffff`].sort(),
    );
  });

  test("is known for a name that is too long to be a temporary file's", () => {
    using host = testHost();
    const name = "x".repeat(255);
    writeFileSync(`${host.root}/.${"x".repeat(200)}.${other}ffffff`, "te");
    writeFileAtomic(`${host.root}/${name}`, "text");
    expect(readdirSync(host.root)).toEqual([name]);
  });
});
