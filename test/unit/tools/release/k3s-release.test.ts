import { describe, expect, test } from "bun:test";
import {
  isMinor,
  K3S_MINORS,
  k3sRelease,
  minorOf,
  minorsBefore,
  OWN_K3S,
  pinnedK3s,
  STABLE_K3S,
} from "../../../../lib/tools/release/k3s-release.ts";
import table from "../../../../lib/tools/release/k3s-releases.json" with { type: "json" };
import { releaseName } from "../../../../lib/tools/release/release-name.ts";

const DOWNLOAD = "https://github.com/k3s-io/k3s/releases/download";

describe("k3s-releases.json", () => {
  test.each(Object.entries(table.minors))("has a release of %s, its way there, and digests", (minor, row) => {
    expect(minorOf(row.version)).toBe(minor);
    expect(releaseName(row.version, 0)).toStartWith(`v0.${minor.split(".")[1]}.`);
    expect(row.from).toEqual([`v1.${Number(minor.split(".")[1]) - 1}`, minor]);
    expect(Object.keys(row.sha256)).toEqual(["amd64", "arm64", "arm"]);
    for (const digest of Object.values(row.sha256))
      expect(digest ?? "0".repeat(64)).toMatch(/^[0-9a-f]{64}$/);
  });

  test("lists the minors in order, without a gap", () => {
    const numbers = K3S_MINORS.map((minor) => Number(minor.split(".")[1]));
    expect(numbers).toEqual(numbers.map((_, i) => (numbers[0] ?? 0) + i));
  });
});

describe("k3sRelease()", () => {
  test("is the row of a minor", () => {
    expect(k3sRelease("v1.36", "arm64")).toEqual({
      version: "v1.36.3+k3s1",
      url: `${DOWNLOAD}/v1.36.3%2Bk3s1/k3s-arm64`,
      sums: `${DOWNLOAD}/v1.36.3%2Bk3s1/sha256sum-arm64.txt`,
      sha256: "c9a209103f480f163b7c6a56f00862b4481927b284dc29a3716bb70d886691a8",
    });
  });

  test("is an exact version, with its digest if it is in the table", () => {
    expect(k3sRelease("v1.36.3+k3s1", "amd64")).toEqual(k3sRelease("v1.36", "amd64"));
    expect(k3sRelease("v1.34.1+k3s1", "arm")).toEqual({
      version: "v1.34.1+k3s1",
      url: `${DOWNLOAD}/v1.34.1%2Bk3s1/k3s-armhf`,
      sums: `${DOWNLOAD}/v1.34.1%2Bk3s1/sha256sum-arm.txt`,
      sha256: undefined,
    });
  });

  test("refuses a minor that is not in the table", () => {
    expect(() => k3sRelease("v1.9", "amd64")).toThrow(
      "No k3s of Kubernetes v1.9 is known: expected one of v1.35, v1.36, v1.37",
    );
  });
});

test("pinnedK3s() is the stable release when nothing was built in", () => {
  expect(OWN_K3S).toBe(STABLE_K3S);
  expect(pinnedK3s("amd64")).toEqual(k3sRelease(table.stable, "amd64"));
});

test("minorOf() reads versions of k3s and Kubernetes", () => {
  expect(["v1.36.3+k3s1", "1.9.10", "v1.37.0-rc1+k3s1"].map(minorOf)).toEqual(["v1.36", "v1.9", "v1.37"]);
  expect(["", "dev", "v1.36", "v1.x.3"].map(minorOf)).toEqual(Array(4).fill(undefined));
  expect([isMinor("v1.36"), isMinor("v1.36.3"), isMinor("1.36"), isMinor("./v1.36")]).toEqual([
    ...[true, false, false, false],
  ]);
});

test("minorsBefore() gives the minors that may step to a version", () => {
  expect(minorsBefore("v1.36.3+k3s1")).toEqual(["v1.35", "v1.36"]);
  expect(minorsBefore("v1.40.1+k3s2")).toEqual(["v1.39", "v1.40"]);
  expect(minorsBefore("v2.0.0+k3s1")).toEqual(["v2.0"]);
  expect(minorsBefore("dev")).toEqual([]);
});
