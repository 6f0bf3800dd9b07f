import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { installLine } from "../../../lib/make/build/required-packages.ts";
import { missingUnitPackages, UNIT_PACKAGES } from "../../support/setup.ts";
import { PROJECT } from "../../support/sources.ts";

test("missingUnitPackages() names none where all are installed", () => {
  expect(missingUnitPackages()).toEqual([]);
});

test("bun test says in one line which packages are missing, and runs nothing", () => {
  const argv = ["test", "./test/unit/tools/release/version-name.test.ts"];
  const run = spawnSync(process.execPath, argv, {
    cwd: PROJECT,
    env: { PATH: "/nowhere" },
    encoding: "utf8",
  });
  const said = run.stderr.split("\n").filter((line) => line.includes("Debian packages"));
  expect(said).toEqual([`The unit tests lack Debian packages, run: ${installLine(UNIT_PACKAGES)}`]);
  expect(run.status).toBe(1);
  expect(`${run.stdout}${run.stderr}`).not.toMatch(/\d+ pass|\(pass\)/);
});
