import { expect, test } from "bun:test";
import { join } from "node:path";
import { openMedium } from "../../../lib/install/open-medium.ts";
import { runProgram } from "../../../lib/tools/host/host.ts";
import { hostTarget } from "../../../lib/tools/host/targets.ts";
import { messageOf } from "../../../lib/tools/text/errors.ts";
import { testHost } from "../../support/host.ts";
import { blockDevice, SETTINGS } from "./samples.ts";

test("openMedium() runs no program on a pipe, which might wait for ever, nor on a device that is no disk", async () => {
  using host = testHost();
  const pipe = join(host.root, "pipe");
  await runProgram(["mkfifo", pipe]);
  for (const path of [pipe, "/dev/zero"]) {
    for (const named of [{ medium: path }, { isoUrl: path }]) {
      const facts = { devices: [], disk: blockDevice(), target: hostTarget() };
      const call = openMedium({ ...SETTINGS, ...named }, undefined, facts, host);
      const message = await call.then(() => "", messageOf);
      expect(message).toBe(
        `"${path}" is not an installation medium: expected a directory, a disk or an image`,
      );
    }
  }
  expect(host.programs).toEqual([]);
});
