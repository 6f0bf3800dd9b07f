import { expect, test } from "bun:test";
import { lstatSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { writeTarball } from "../../../../lib/tools/fs/pack-tarball.ts";
import { runProgram } from "../../../../lib/tools/host/host.ts";
import { messageOf } from "../../../../lib/tools/text/errors.ts";
import { testHost } from "../../../support/host.ts";

test("writeTarball() takes the place of no pipe or directory, and leaves nothing", async () => {
  using host = testHost();
  await runProgram(["mkfifo", join(host.root, "pipe")]);
  mkdirSync(join(host.root, "directory"));
  for (const [name, kind] of [
    ["pipe", "a pipe"],
    ["directory", "a directory"],
  ] as const) {
    const path = join(host.root, name);
    const message = await writeTarball(path, [{ name: "a", text: "b" }]).then(() => "", messageOf);
    expect(message).toBe(`Cannot write "${path}": ${kind} is in its place`);
  }
  expect(lstatSync(join(host.root, "pipe")).isFIFO()).toBe(true);
  expect(readdirSync(host.root).sort()).toEqual(["directory", "pipe"]);
});
