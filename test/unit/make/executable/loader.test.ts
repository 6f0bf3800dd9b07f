import { expect, test } from "bun:test";
import type { StepRunner } from "../../../../lib/make/build/build-step.ts";
import { buildLoader } from "../../../../lib/make/executable/loader.ts";
import { targetOf } from "../../../../lib/tools/host/targets.ts";

const make: StepRunner = async (step, { name, input }) => {
  return { path: `/${name}`, digest: JSON.stringify([step.packages?.(input), step.shared]) };
};

test("buildLoader() names the parts of what it makes, and refuses a target that is run by Node.js", async () => {
  const { libc, library } = await buildLoader(targetOf("arm64"), { make });
  expect([libc.path, library.path]).toEqual(["/loader-arm64/libc.so", "/loader-arm64/libstdc++.so"]);
  expect(libc.digest).toContain('"g++-aarch64-linux-gnu"');
  await expect(buildLoader(targetOf("arm"), { make })).rejects.toThrow("has no loader");
});
