import { expect, test } from "bun:test";
import { compareVersions } from "../../../lib/upgrade/compare-versions.ts";

const OPPOSITE = { newer: "older", older: "newer", same: "same", unknown: "unknown" } as const;

test.each([
  ["v0.30.0", "v0.30.0", "same"],
  ["v0.30.0", "0.30.0", "same"],
  ["v0.30.0", "v0.30.1", "newer"],
  ["v0.9.9", "v0.10.0", "newer"],
  ["v0.21.1-k3s1r0", "v0.30.0", "newer"],
  ["v0.21.1-k3s1r0", "v0.21.1-k3s1r1", "newer"],
  ["v0.21.1-k3s1r9", "v0.21.1-k3s1r10", "newer"],
  ["v0.21.1-k3s1r10", "v0.21.1-k3s2r0", "newer"],
  ["v0.21.1-k3s1r0-rc2", "v0.21.1-k3s1r0", "newer"],
  ["v0.30.0-rc1", "v0.30.0", "newer"],
  ["v0.30.0-rc.9", "v0.30.0-rc.10", "newer"],
  ["v0.30.0-beta1", "v0.30.0-rc1", "newer"],
  ["v1.31.2+k3s1", "v1.31.2+k3s2", "newer"],
  ["v1.31.2+k3s9", "v1.31.2+k3s10", "newer"],
  ["6.12.57+deb13-amd64", "6.12.118+deb13-amd64", "newer"],
  ["6.12.57+deb13-amd64", "6.12.57+deb14-amd64", "newer"],
  ["6.12.57+deb13-amd64", "6.12.57+deb13.1-amd64", "newer"],
  ["6.1.0-9-amd64", "6.1.0-41-amd64", "newer"],
  ["5.4.0-88-generic", "6.12.57+deb13-amd64", "newer"],
  ["v0.30.0", "dev", "unknown"],
  ["v1.2", "v1.2.3", "unknown"],
] as const)("compareVersions() from %s to %s: %s", (from, to, expected) => {
  expect(compareVersions(from, to)).toBe(expected);
  expect(compareVersions(to, from)).toBe(OPPOSITE[expected]);
});
