import { expect, test } from "bun:test";
import { homedir } from "node:os";
import { k3sCachePath } from "../../../../lib/make/image/k3s-cache.ts";

test.each([
  [{}, `${homedir()}/.cache`],
  [{ XDG_CACHE_HOME: "" }, `${homedir()}/.cache`],
  [{ XDG_CACHE_HOME: "/cache" }, "/cache"],
])("k3sCachePath() with %p is below %p", (env, cache) => {
  expect(k3sCachePath("v1.36.3+k3s1", "arm64", env)).toBe(`${cache}/k3os/k3s/v1.36.3+k3s1/arm64/k3s`);
});
