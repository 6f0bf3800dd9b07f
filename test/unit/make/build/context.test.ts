import { expect, test } from "bun:test";
import { createBuildContext, withK3s } from "../../../../lib/make/build/context.ts";
import { STABLE_K3S } from "../../../../lib/tools/release/k3s-release.ts";
import { testHost } from "../../../support/host.ts";

test("a build is named after its k3s, with the project's revision", () => {
  using host = testHost();
  const context = createBuildContext({ host: { ...host, env: { K3OS_BUILD_CACHE: host.root } } });
  const [, revision = ""] = /r(\d+)$/.exec(context.version) ?? [];
  expect(context.version).toMatch(/^v0\.\d+\.\d+-k3s\d+r\d+$/);
  expect(withK3s(context, STABLE_K3S)).toBe(context);
  expect(withK3s(context, "v1.35.9+k3s1")).toMatchObject({
    ...{ version: `v0.35.9-k3s1r${revision}`, k3s: "v1.35.9+k3s1" },
  });
});

test("K3OS_BUILD_VERSION names a build, whatever its k3s is", () => {
  using host = testHost();
  const env = { K3OS_BUILD_CACHE: host.root, K3OS_BUILD_VERSION: "v1.0.0" };
  const context = createBuildContext({ host: { ...host, env } });
  expect(withK3s(context, "v1.35.9+k3s1")).toMatchObject({ version: "v1.0.0", k3s: "v1.35.9+k3s1" });
});
