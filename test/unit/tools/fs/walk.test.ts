import { expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { filesBelow, walk } from "../../../../lib/tools/fs/walk.ts";
import { testHost } from "../../../support/host.ts";

test("walk() tells of links, and not of what they lead to", () => {
  using host = testHost();
  const at = (path: string) => join(host.root, path);
  mkdirSync(at("tree/b/c"), { recursive: true });
  mkdirSync(at("elsewhere"));
  for (const path of ["tree/a", "tree/b/c/d", "elsewhere/secret"]) writeFileSync(at(path), "");
  symlinkSync(at("elsewhere"), at("tree/link"));
  symlinkSync("..", at("tree/b/loop"));
  symlinkSync("nowhere", at("tree/nothing"));
  expect(walk(at("tree")).map(({ path }) => path)).toEqual([
    ...["a", "b", "b/c", "b/c/d", "b/loop", "link", "nothing"],
  ]);
  expect(filesBelow(at("tree"))).toEqual(["a", "b/c/d", "b/loop", "link", "nothing"]);
});
