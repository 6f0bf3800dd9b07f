import { describe, expect, test } from "bun:test";
import { legacyCgroupWords, needsUnifiedCgroups } from "../../../../lib/tools/node/cgroup-version.ts";

describe("needsUnifiedCgroups()", () => {
  test("is true from 1.35 on, and for what is no version", () => {
    const versions = ["v1.34.9+k3s1", "v1.35.0+k3s1", "v1.36.3+k3s1", "local"];
    expect(versions.map(needsUnifiedCgroups)).toEqual([false, true, true, true]);
  });
});

describe("legacyCgroupWords()", () => {
  test("are those that select version 1", () => {
    const words = ["quiet", "systemd.unified_cgroup_hierarchy=0", "systemd.unified_cgroup_hierarchy=1"];
    expect(legacyCgroupWords(words)).toEqual(["systemd.unified_cgroup_hierarchy=0"]);
  });
});
