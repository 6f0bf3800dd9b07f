import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checksumFile, parseChecksums, verifyChecksums } from "../../../../lib/tools/fs/checksums.ts";
import { testHost } from "../../../support/host.ts";

describe("checksumFile()", () => {
  test("is what sha256sum checks, sorted, with base names", async () => {
    using host = testHost({ files: { "/k3os-amd64.iso": "iso", "/install.sh": "script" } });
    const text = await checksumFile([join(host.root, "k3os-amd64.iso"), join(host.root, "install.sh")]);
    expect(text.split("\n").map((line) => line.slice(66))).toEqual(["install.sh", "k3os-amd64.iso", ""]);
    const check = spawnSync("sha256sum", ["--check", "--strict", "-"], { cwd: host.root, input: text });
    expect(check.status).toBe(0);
  });
});

describe("parseChecksums()", () => {
  const [a, b] = ["a".repeat(64), "b".repeat(64)];

  test("reads what sha256sum writes, in text and binary mode", () => {
    const text = `${a}  k3os-amd64.iso\n${b.toUpperCase()} *install.sh\n${a}  k3os-amd64.iso\n`;
    expect([...parseChecksums(text)]).toEqual([
      ["k3os-amd64.iso", a],
      ["install.sh", b],
    ]);
    expect([...parseChecksums(`${a}  x`)]).toEqual([["x", a]]);
  });

  test.each([
    ...[
      "../x",
      "/etc/passwd",
      "a/b",
      "a\\b",
      ".",
      "..",
      ".hidden",
      "-rf",
      "",
      " x",
      "a b",
      "a\tb",
      "x\r",
      "\x1b[2J",
    ],
  ])("refuses the name %j", (name) => {
    expect(() => parseChecksums(`${b}  y\n${a}  ${name}\n`)).toThrow("Line 2 of the checksums");
  });

  test.each([
    ["nothing", ""],
    ["an empty line", `${a}  x\n\n`],
    ["a short digest", `${a.slice(1)}  x\n`],
    ["a long digest", `${a}0  x\n`],
    ["one space", `${a} x\n`],
    ["an escaped name", `\\${a}  x\n`],
    ["BSD's format", `SHA256 (x) = ${a}\n`],
    ["a page of HTML", "<html></html>\n"],
  ])("refuses a list with %s", (_, text) => {
    expect(() => parseChecksums(text)).toThrow("is not a SHA-256 digest and a base name");
  });

  test("refuses two digests for one name", () => {
    expect(() => parseChecksums(`${a}  x\n${b}  x\n`)).toThrow('two different digests for "x"');
  });

  test("knows only the names that are there", () => {
    const digests = parseChecksums(`${a}  __proto__\n`);
    expect([digests.get("constructor"), digests.get("__proto__")]).toEqual([undefined, a]);
  });
});

describe("verifyChecksums()", () => {
  const files = { "/a/b+c.1": "content", "/.d": "other" };

  test("accepts files that are as listed, and names the one that is not", async () => {
    using host = testHost({ files });
    const list = spawnSync("sha256sum", ["a/b+c.1", ".d"], { cwd: host.root, encoding: "utf8" }).stdout;
    await verifyChecksums(host.root, list);
    writeFileSync(join(host.root, ".d"), "Other");
    expect(verifyChecksums(host.root, list)).rejects.toThrow(`"${join(host.root, ".d")}" has changed`);
    rmSync(join(host.root, "a/b+c.1"));
    expect(verifyChecksums(host.root, list)).rejects.toThrow("Cannot read");
  });

  test.each(["../d", "/d", "a/../../d", "a/..", ""])("refuses the name %j", (name) => {
    using host = testHost({ files });
    expect(verifyChecksums(host.root, `${"a".repeat(64)}  ${name}\n`)).rejects.toThrow(
      "Line 1 of the checksums",
    );
  });
});
