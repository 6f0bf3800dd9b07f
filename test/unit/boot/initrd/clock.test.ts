import { expect, test } from "bun:test";
import { utimesSync } from "node:fs";
import { join } from "node:path";
import { correctClock } from "../../../../lib/boot/initrd/clock.ts";
import { testHost } from "../../../support/host.ts";

const BUILT = Date.parse("2025-03-01T12:00:00Z");

/** What is done where the clock says a time, and what is told. */
async function corrected(time: string): Promise<{ programs: string[]; logged: readonly string[] }> {
  const program = "/k3os/system/k3os/current/k3os";
  using host = testHost({ files: { [program]: "" } });
  utimesSync(join(host.root, program), BUILT / 1000, BUILT / 1000);
  const clock = { ...host.clock, now: () => Date.parse(time) };
  await correctClock({ ...host, clock });
  return { programs: host.programs.map(({ argv }) => argv.join(" ")), logged: host.logged };
}

test("correctClock() sets a clock that says a time before the program was built", async () => {
  expect(await corrected("1970-01-01T00:00:07Z")).toEqual({
    programs: [`/bin/busybox date -u -s @${BUILT / 1000}`],
    logged: ["Warning: The clock says 1970-01-01, before this release was made: setting it to 2025-03-01"],
  });
});

test("correctClock() leaves any other alone", async () => {
  expect(await corrected("2026-01-01T00:00:00Z")).toEqual({ programs: [], logged: [] });
});
