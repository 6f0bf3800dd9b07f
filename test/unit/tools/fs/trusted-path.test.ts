import { describe, expect, test } from "bun:test";
import {
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { putFile, readIfExists } from "../../../../lib/apply/system-files.ts";
import { openTrusted } from "../../../../lib/tools/fs/trusted-path.ts";
import { testHost } from "../../../support/host.ts";

/** Somebody else than who runs this; only root can make files of theirs. */
const STRANGER = 12_345;
const isRoot = process.getuid?.() === 0;

function read(root: string, path: string, follow = true): string {
  using place = openTrusted(root, path, { follow });
  return readFileSync(place.path, "utf8");
}

describe("openTrusted()", () => {
  test("finds what links lead to, absolute ones from the root, and never above it", () => {
    using host = testHost({ files: { "/etc/real/file": "content", "/file": "own" } });
    symlinkSync("/etc/real", join(host.root, "absolute"));
    symlinkSync("real/file", join(host.root, "etc/relative"));
    symlinkSync("../../../../../etc/relative", join(host.root, "above"));
    for (const path of ["/absolute/file", "etc/relative", "/above", "/etc/../etc/./real/file"]) {
      expect(read(host.root, path)).toBe("content");
    }
    expect(read(host.root, "/../../file")).toBe("own");
  });

  test("takes a link itself for the place, unless it is to go on", () => {
    using host = testHost({ files: { "/file": "content" } });
    symlinkSync("file", join(host.root, "link"));
    using place = openTrusted(host.root, "/link");
    renameSync(place.path, join(host.root, "other"));
    expect(readdirSync(host.root).sort()).toEqual(["file", "other"]);
  });

  test("makes directories that are missing, if it is told to", () => {
    using host = testHost();
    expect(() => openTrusted(host.root, "/a/b/file")).toThrow("ENOENT");
    using place = openTrusted(host.root, "/a/b/file", { make: true });
    writeFileSync(place.path, "content");
    expect(readFileSync(join(host.root, "a/b/file"), "utf8")).toBe("content");
  });

  test("keeps its directory when that gets another name", () => {
    using host = testHost({ files: { "/a/file": "content", "/elsewhere/file": "other" } });
    using place = openTrusted(host.root, "/a/file");
    renameSync(join(host.root, "a"), join(host.root, "b"));
    symlinkSync("elsewhere", join(host.root, "a"));
    expect(readFileSync(place.path, "utf8")).toBe("content");
  });

  test.each(["", "/", "..", "/a/.."])("finds no file in %j", (path) => {
    using host = testHost({ files: { "/a/file": "" } });
    expect(() => openTrusted(host.root, path)).toThrow("is the name of no file");
  });

  test("tells of links that lead in circles", () => {
    using host = testHost();
    symlinkSync("circle", join(host.root, "circle"));
    expect(() => openTrusted(host.root, "/circle/file")).toThrow("lead in circles");
  });
});

describe.if(isRoot)("a link of another user", () => {
  function planted() {
    const host = testHost({ files: { "/etc/shadow": "secret" } });
    mkdirSync(join(host.root, "home/rancher"), { recursive: true });
    symlinkSync("/etc", join(host.root, "home/rancher/.ssh"));
    symlinkSync("/etc/shadow", join(host.root, "home/rancher/keys"));
    for (const name of ["", ".ssh", "keys"])
      lchownSync(join(host.root, "home/rancher", name), STRANGER, STRANGER);
    return host;
  }

  test("is followed neither to a directory nor to a file", () => {
    using host = planted();
    const message = `is a link of user ${STRANGER}, who could let it lead anywhere`;
    expect(() => openTrusted(host.root, "/home/rancher/.ssh/new", { make: true })).toThrow(message);
    expect(() => readIfExists("/home/rancher/keys", host)).toThrow(message);
    expect(() => putFile("/home/rancher/.ssh/shadow", "x", {}, { ...host, dryRun: false })).toThrow(message);
    expect(readFileSync(join(host.root, "etc/shadow"), "utf8")).toBe("secret");
  });

  test("is replaced where a file is to be", () => {
    using host = planted();
    putFile("/home/rancher/keys", "mine", {}, { ...host, dryRun: false });
    expect(readFileSync(join(host.root, "home/rancher/keys"), "utf8")).toBe("mine");
    expect(readFileSync(join(host.root, "etc/shadow"), "utf8")).toBe("secret");
  });

  test("of root's in a directory of theirs counts as theirs", () => {
    using host = planted();
    lchownSync(join(host.root, "home/rancher/.ssh"), 0, 0);
    expect(() => openTrusted(host.root, "/home/rancher/.ssh/new")).toThrow("is a link of user");
  });
});
