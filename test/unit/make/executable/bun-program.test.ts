import { expect, test } from "bun:test";
import type { StepRunner } from "../../../../lib/make/build/build-step.ts";
import { bunFor } from "../../../../lib/make/executable/bun-program.ts";
import { testHost } from "../../../support/host.ts";

const PACKAGE = "@oven/bun-linux-aarch64-musl";
const LOCK = { packages: { [`node_modules/${PACKAGE}`]: { version: "1.4.5", integrity: "sha512-x" } } };

const make: StepRunner = async (_, { name, input }) => ({ path: `/${name}`, digest: JSON.stringify(input) });

test("bunFor() asks for the package at the version and with the checksum of package-lock.json", async () => {
  using host = testHost({ files: { "/package-lock.json": JSON.stringify(LOCK) } });
  const { path, digest } = await bunFor(PACKAGE, { make, project: host.root });
  expect(path).toBe("/bun-linux-aarch64-musl/bun");
  expect(digest).toContain('"version":"1.4.5","integrity":"sha512-x"');
  await expect(bunFor("@oven/other", { make, project: host.root })).rejects.toThrow("package-lock.json");
});
