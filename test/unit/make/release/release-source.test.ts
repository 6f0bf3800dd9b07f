import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readSource } from "../../../../lib/make/release/release-source.ts";
import { runProgram } from "../../../../lib/tools/host/host.ts";
import { testHost } from "../../../support/host.ts";

test("readSource() returns the commit, the tags that are versions, and what is not committed", async () => {
  using host = testHost({ files: { "/a": "1" } });
  const git = (...argv: string[]) =>
    runProgram(["git", "-C", host.root, "-c", "user.name=T", "-c", "user.email=t@t", ...argv]);
  await git("init", "--quiet");
  await git("add", "a");
  await git("commit", "--quiet", "-m", "one");
  await git("tag", "v0.36.3-k3s1r0");
  await git("tag", "other");
  const read = () => readSource(host.root, { run: runProgram });
  const { commit, time, tags, dirty } = await read();
  expect([commit.length, tags, dirty]).toEqual([40, ["v0.36.3-k3s1r0"], []]);
  expect(Math.abs(time - Date.now() / 1000)).toBeLessThan(3600);
  writeFileSync(join(host.root, "a"), "2");
  writeFileSync(join(host.root, "b"), "new");
  expect((await read()).dirty).toEqual(["a", "b"]);
});
