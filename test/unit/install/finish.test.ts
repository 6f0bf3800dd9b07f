import { expect, test } from "bun:test";
import { finish } from "../../../lib/install/finish.ts";
import { testHost } from "../../support/host.ts";

test.each([
  ["return", []],
  ["restart", [["reboot"]]],
  ["power-off", [["poweroff"]]],
] as const)("finish() with %s runs %j", async (afterwards, programs) => {
  using host = testHost();
  await finish(afterwards, host);
  expect(host.programs.map(({ argv }) => [...argv])).toEqual(programs.map((argv) => [...argv]));
});
