import { describe, expect, test } from "bun:test";
import { type ArchiveEntry, placeEntry } from "../../../../lib/tools/generation/archive-entry.ts";

const entry = (name: string, more: Partial<ArchiveEntry> = {}): ArchiveEntry => ({
  name,
  type: "file",
  size: 1,
  mode: 0o644,
  ...more,
});
const BASE = "v1/k3os/system";

describe("placeEntry()", () => {
  test("finds component, version and path of a file, and gives it one of two modes", () => {
    const place = { kind: "file", component: "k3os", version: "v1", path: "a/b c", size: 1 } as const;
    expect(placeEntry(entry(`${BASE}/k3os/v1/a/b c`))).toEqual({ ...place, mode: 0o644 });
    for (const mode of [0o755, 0o700, 0o4755, 0o6777, 0o111]) {
      expect(placeEntry(entry(`${BASE}/k3os/v1/a/b c`, { mode }))).toEqual({ ...place, mode: 0o755 });
    }
  });

  test.each([
    [`${BASE}/k3s/v1.31.0+k3s1/`, { kind: "directory", component: "k3s", version: "v1.31.0+k3s1", path: "" }],
    [`${BASE}/k3os/v1/lib`, { kind: "directory", component: "k3os", version: "v1", path: "lib" }],
    ["v1/", { kind: "skip" }],
    ["v1/k3os", { kind: "skip" }],
    [BASE, { kind: "skip" }],
    [`${BASE}/kernel/`, { kind: "skip" }],
    ["v1/sbin", { kind: "skip" }],
  ] as const)("takes the directory %s", (name, expected) => {
    expect(placeEntry(entry(name, { type: "directory", size: 0 }))).toEqual(expected);
  });

  test.each([
    [`${BASE}/k3os/current`, "v1", { kind: "current", component: "k3os", version: "v1" }],
    ["v1/sbin/k3os", "/k3os/system/k3os/current/k3os", { kind: "skip" }],
    [
      `${BASE}/k3os/v1/a/link`,
      "../k3os",
      { kind: "link", component: "k3os", version: "v1", path: "a/link", target: "../k3os" },
    ],
    [
      `${BASE}/k3os/v1/link`,
      "a/..b",
      { kind: "link", component: "k3os", version: "v1", path: "link", target: "a/..b" },
    ],
  ] as const)("takes the link %s to %s", (name, linkname, expected) => {
    expect(placeEntry(entry(name, { type: "symlink", linkname, size: 0 }))).toEqual(expected);
  });

  test.each([
    "",
    "/",
    "/etc/passwd",
    "../etc/passwd",
    "..",
    "v1/../etc/passwd",
    "./v1/k3os",
    "v1//k3os/system/k3os/v1/k3os",
    ".v1/k3os/system/k3os/v1/k3os",
    "v1/etc/passwd",
    "v1/k3os/data/x",
    "v1/k3os/system/config.yaml",
    `${BASE}/k3os/v1`,
    `${BASE}/k3os/v1/..`,
    `${BASE}/k3os/v1/../../../etc/x`,
    `${BASE}/k3os/v1/a/./b`,
    `${BASE}/k3os/.v1.partial/k3os`,
    `${BASE}/.k3os/v1/k3os`,
    `${BASE}/k3os/current/k3os`,
    `${BASE}/k3os/current`,
    `${BASE}/k3os/previous`,
    `${BASE}/k3os/v1/new\nline`,
    `${BASE}/k3os/v1/\u001b[2J`,
    `${BASE}/k3os/v1/\u202ehidden`,
    `${BASE}/k3os/v1/back\\slash`,
    `${BASE}/k3os/v1/${"x".repeat(256)}`,
  ])("refuses a file named %j", (name) => {
    expect(() => placeEntry(entry(name))).toThrow("The archive holds ");
  });

  test.each(["link", "character-device", "block-device", "fifo", undefined])("refuses a %s", (type) => {
    expect(() => placeEntry(entry(`${BASE}/k3os/v1/x`, { type }))).toThrow("it is a ");
  });

  test.each([
    ["link", "/etc/passwd"],
    ["link", ".."],
    ["link", "../v2/k3os"],
    ["a/link", "../.."],
    ["a/link", "../../v2"],
    ["a/link", "b/../../.."],
    ["link", "a/.."],
    ["link", ""],
    ["link", "a//b"],
    ["link", "a\nb"],
  ])("refuses the link %s to %j", (name, linkname) => {
    const link = entry(`${BASE}/k3os/v1/${name}`, { type: "symlink", linkname, size: 0 });
    expect(() => placeEntry(link)).toThrow("out of its directory");
  });

  test.each(["../k3s/v1", "/k3os", "", "current", ".x"])("refuses current leading to %j", (linkname) => {
    const link = entry(`${BASE}/k3os/current`, { type: "symlink", linkname, size: 0 });
    expect(() => placeEntry(link)).toThrow("it should be a link to a version");
  });

  test.each([-1, Number.NaN, 1.5, 2 ** 60])("refuses a size of %p", (size) => {
    expect(() => placeEntry(entry(`${BASE}/k3os/v1/x`, { size }))).toThrow("it has no size");
  });
});
