import { expect, test } from "bun:test";
import { imageTag } from "../../../../lib/make/image/container.ts";
import { STABLE_K3S } from "../../../../lib/tools/release/k3s-release.ts";
import { releaseName, revisionOf } from "../../../../lib/tools/release/release-name.ts";
import { isVersion } from "../../../../lib/tools/release/version-name.ts";
import { versionOrder } from "../../../../lib/tools/release/version-order.ts";
import manifest from "../../../../package.json" with { type: "json" };
import lock from "../../../../package-lock.json" with { type: "json" };

test.each([
  ["v1.36.3+k3s1", 0, "v0.36.3-k3s1r0"],
  ["v1.36.3+k3s1", 10, "v0.36.3-k3s1r10"],
  ["v1.35.10+k3s12", 3, "v0.35.10-k3s12r3"],
  ["v1.37.0-rc2+k3s1", 1, "v0.37.0-k3s1r1-rc2"],
  ["v1.36.3+k3s-6330a5b4", 0, "v0.36.3-k3s-6330a5b4r0"],
])("releaseName() with k3s %s, revision %s: %s", (k3s, revision, name) => {
  expect(releaseName(k3s, revision)).toBe(name);
  expect(revisionOf(name)).toBe(revision);
  expect(isVersion(name)).toBe(true);
  expect(imageTag(name)).toBe(name);
});

test.each(["", "1.36.3", "v1.36.3", "v2.0.0+k3s1", "v1.36+k3s1", "v1.36.3+k3s1/..", "v1.36.3+"])(
  "releaseName() refuses %p",
  (k3s) => {
    expect(() => releaseName(k3s, 0)).toThrow("expected a version such as v1.36.3+k3s1");
  },
);

test("revisionOf() gives 0 for names of another form", () => {
  for (const name of ["v0.30.0", "dev", "v0.36.3-rc1", "v1.0.1-rc.1+longer"])
    expect(revisionOf(name)).toBe(0);
});

test("names count up in the order of releases", () => {
  const names = [
    ...["v0.21.1-k3s1r0", "v0.30.0"],
    releaseName("v1.35.9+k3s1", 0),
    releaseName("v1.36.3-rc1+k3s1", 0),
    releaseName("v1.36.3+k3s1", 0),
    releaseName("v1.36.3+k3s1", 9),
    releaseName("v1.36.3+k3s1", 10),
    releaseName("v1.36.3+k3s9", 0),
    releaseName("v1.36.3+k3s10", 0),
    releaseName("v1.36.10+k3s1", 0),
    releaseName("v1.37.1+k3s1", 0),
  ];
  expect(names.toReversed().sort(versionOrder)).toEqual(names);
});

test("the project's version is named after the stable k3s", () => {
  const version = `v${manifest.version}`;
  expect(version).toBe(releaseName(STABLE_K3S, revisionOf(version)));
  expect(lock.version).toBe(manifest.version);
  expect(lock.packages[""].version).toBe(manifest.version);
});
