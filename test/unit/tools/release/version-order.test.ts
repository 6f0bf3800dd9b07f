import { expect, test } from "bun:test";
import { compareVersions, versionOrder } from "../../../../lib/tools/release/version-order.ts";

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
  ["v1.36.3-rc10+k3s1", "v1.36.3+k3s1", "newer"],
  ["v1.36.3+k3s1", "v1.36.10+k3s1", "newer"],
  ["v0.36.3-rc1", "v0.36.3-k3s1r0", "newer"],
  ["v0.36.3", "v0.36.3-k3s1r0", "newer"],
  ["6.12.57-amd64", "6.12.118-amd64", "newer"],
  ["5.4.0-88-generic", "6.12.57+deb13-amd64", "newer"],
  ["v0.30.0", "dev", "unknown"],
  ["v1.2", "v1.2.3", "unknown"],
] as const)("compareVersions() from %s to %s: %s", (from, to, expected) => {
  expect(compareVersions(from, to)).toBe(expected);
  expect(compareVersions(to, from)).toBe(OPPOSITE[expected]);
});

test.each([
  ["k3OS", ["v0.9.9", "v0.30.0-rc1", "v0.30.0-rc2", "v0.30.0-rc10", "v0.30.0", "v0.30.1", "v0.36.3-k3s1r0"]],
  ["k3OS named after k3s", ["v0.36.3-k3s1r0-rc1", "v0.36.3-k3s1r0", "v0.36.3-k3s1r9", "v0.36.3-k3s1r10"]],
  ["k3s", ["v1.9.1+k3s1", "v1.36.3-rc1+k3s1", "v1.36.3+k3s1", "v1.36.3+k3s2", "v1.36.3+k3s10"]],
  ["kernels", ["5.4.0-88-generic", "6.1.0-9-amd64", "6.1.0-41-amd64", "6.12.57-amd64", "6.12.118-amd64"]],
  ["what is no release", ["dev", "v9", "v10", "v0.30.0"]],
  ["other spellings", ["0.30.0", "v0.30.0"]],
])("versionOrder() sorts %s", (_, sorted) => {
  expect([...sorted].sort(versionOrder)).toEqual(sorted);
  expect([...sorted].reverse().sort(versionOrder)).toEqual(sorted);
  for (const version of sorted) expect(versionOrder(version, version)).toBe(0);
});
