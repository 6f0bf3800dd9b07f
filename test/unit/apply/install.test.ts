import { expect, test } from "bun:test";
import { install } from "../../../lib/apply/install.ts";
import { testHost } from "../../support/host.ts";

test("install runs the installer in the mode install", async () => {
  using host = testHost({ files: { "/run/k3os/mode": "install\n" } });
  await install.apply({}, host);
  expect(host.programs.map(({ argv }) => argv)).toEqual([["/sbin/k3os", "install"]]);
});

test.each(["live\n", "local\n", ""])("install does nothing in the mode %p", async (mode) => {
  using host = testHost({ files: { "/run/k3os/mode": mode } });
  await install.apply({}, host);
  expect(host.programs).toEqual([]);
});
