import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { refuseOlder, releaseRecord, rememberRelease } from "../../../../lib/tools/release/release-memory.ts";
import { testHost } from "../../../support/host.ts";

const DAY = 86_400;
const TAKEN = { signed: true, version: "v0.31.0", timestamp: 1_780_000_000 };
const OLDER = { signed: true, version: "v0.30.0", timestamp: TAKEN.timestamp - DAY };
const KEPT = { allowDowngrade: false };

describe("a node", () => {
  test("takes any list first, then the same and newer ones", () => {
    using host = testHost();
    refuseOlder(host.root, OLDER, KEPT, host);
    rememberRelease(host.root, TAKEN, host);
    refuseOlder(host.root, TAKEN, KEPT, host);
    refuseOlder(host.root, { ...TAKEN, timestamp: TAKEN.timestamp + 1 }, KEPT, host);
    expect(host.logged).toEqual([]);
  });

  test("refuses a list that was signed before the one it took last", () => {
    using host = testHost();
    rememberRelease(host.root, TAKEN, host);
    expect(() => refuseOlder(host.root, OLDER, KEPT, host)).toThrow(
      "Refusing the list of v0.30.0, signed 2026-05-27: this node has taken that of v0.31.0, signed 2026-05-28",
    );
    // of a newer version, too: it is the time that counts
    expect(() => refuseOlder(host.root, { ...OLDER, version: "v9" }, KEPT, host)).toThrow(
      "Refusing the list",
    );
  });

  test("takes it all the same where it is told to, and goes on from there", () => {
    using host = testHost();
    rememberRelease(host.root, TAKEN, host);
    refuseOlder(host.root, OLDER, { allowDowngrade: true }, host);
    rememberRelease(host.root, OLDER, host);
    refuseOlder(host.root, { ...OLDER, timestamp: OLDER.timestamp + 1 }, KEPT, host);
  });

  test("neither asks nor remembers a list that nobody has signed", () => {
    using host = testHost();
    rememberRelease(host.root, TAKEN, host);
    refuseOlder(host.root, { signed: false, version: undefined, timestamp: 0 }, KEPT, host);
    rememberRelease(host.root, { signed: false, version: "v0.1.0", timestamp: 1 }, host);
    expect(() => refuseOlder(host.root, OLDER, KEPT, host)).toThrow("Refusing the list");
  });
});

test("releaseRecord() is what a later list is compared with, and nothing of a list that nobody has signed", () => {
  expect(releaseRecord({ ...TAKEN, signed: false })).toBeUndefined();
  const expires = TAKEN.timestamp + DAY;
  expect(JSON.parse(releaseRecord({ ...TAKEN, expires }) ?? "")).toEqual({
    version: "v0.31.0",
    timestamp: TAKEN.timestamp,
    expires,
  });
  using host = testHost({ files: { "/release.json": releaseRecord(TAKEN) ?? "" } });
  expect(() => refuseOlder(host.root, OLDER, KEPT, host)).toThrow("has taken that of v0.31.0");
});

test.each([
  "",
  "{}",
  "[]",
  "null",
  "garbage",
  "\0\0\0",
  '{"version":"../x","timestamp":1}',
  "x".repeat(20_000),
])("a record %j is warned of, refuses nothing, and is written anew", (text) => {
  using host = testHost({ files: { "/release.json": text } });
  refuseOlder(host.root, OLDER, KEPT, host);
  expect(host.logged).toEqual([expect.stringContaining("Cannot tell which release was taken last")]);
  rememberRelease(host.root, TAKEN, host);
  expect(JSON.parse(readFileSync(join(host.root, "release.json"), "utf8"))).toEqual({
    version: "v0.31.0",
    timestamp: TAKEN.timestamp,
  });
});

test("a directory or link in place of the record stops no upgrade", () => {
  using host = testHost({ files: { "/other": '{"version":"v9","timestamp":9999999999}' } });
  const path = join(host.root, "release.json");
  mkdirSync(path);
  refuseOlder(host.root, OLDER, KEPT, host);
  rememberRelease(host.root, TAKEN, host);
  expect(host.logged.at(-1)).toContain("Cannot record which release was taken");
  rmSync(path, { recursive: true });
  symlinkSync("other", path);
  refuseOlder(host.root, OLDER, KEPT, host);
  writeFileSync(path, "");
});
