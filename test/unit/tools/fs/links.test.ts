import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { linkTarget, locate, locateFile } from "../../../../lib/tools/fs/links.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "k3os-links-"));
  mkdirSync(join(root, "usr/sbin"), { recursive: true });
});

afterEach(() => rmSync(root, { recursive: true }));

describe("locate()", () => {
  test.each([
    ["a directory", undefined],
    ["a relative link", "usr/sbin"],
    ["an absolute link, which counts from the root that is meant", "/usr/sbin"],
    ["a link that climbs over the root", "../../../../usr/sbin"],
  ])("stays within the root where the directory is %s", (_, target) => {
    if (target !== undefined) symlinkSync(target, join(root, "sbin"));
    const directory = target === undefined ? "sbin" : "usr/sbin";
    expect(locate(root, "/sbin/init")).toBe(join(root, directory, "init"));
  });

  test("does not follow the last part", () => {
    symlinkSync("/etc/passwd", join(root, "usr/sbin/init"));
    expect(locate(root, "usr/sbin/init")).toBe(join(root, "usr/sbin/init"));
  });

  test("gives up on links that lead in circles", () => {
    symlinkSync("b", join(root, "a"));
    symlinkSync("a", join(root, "b"));
    expect(() => locate(root, "a/init")).toThrow('The links in "a/init" lead in circles');
  });
});

describe("locateFile()", () => {
  test("follows all links within the root", () => {
    writeFileSync(join(root, "usr/systemd"), "");
    symlinkSync("usr/sbin", join(root, "sbin"));
    symlinkSync("../systemd", join(root, "usr/sbin/init"));
    expect(locateFile(root, "/sbin/init")).toBe(join(root, "usr/systemd"));
    symlinkSync("/sbin/init", join(root, "init"));
    expect(locateFile(root, "init")).toBe(join(root, "usr/systemd"));
  });

  test("finds nothing behind a link that leads nowhere, or out", () => {
    symlinkSync("/etc/passwd", join(root, "out"));
    expect(locateFile(root, "out")).toBeUndefined();
    expect(locateFile(root, "absent/file")).toBeUndefined();
  });
});

test("linkTarget() is undefined for anything but a link", () => {
  symlinkSync("nowhere", join(root, "link"));
  expect([linkTarget(join(root, "link")), linkTarget(root), linkTarget(join(root, "absent"))]).toEqual([
    "nowhere",
    undefined,
    undefined,
  ]);
});
