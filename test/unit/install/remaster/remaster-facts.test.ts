import { expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { entriesBelow } from "../../../../lib/install/remaster/remaster-facts.ts";
import { testHost } from "../../../support/host.ts";

test("a linked directory is added as a link, whatever is in it", () => {
  using host = testHost();
  const at = (path: string) => join(host.root, path);
  mkdirSync(at("files/opt"), { recursive: true });
  mkdirSync(at("elsewhere/deep"), { recursive: true });
  for (const path of ["files/opt/a", "elsewhere/deep/b"]) writeFileSync(at(path), "four");
  symlinkSync("/elsewhere", at("files/there"));
  symlinkSync(".", at("files/opt/here"));
  expect(entriesBelow(at("files"))).toEqual([
    { path: "opt", kind: "directory", size: 0 },
    { path: "opt/a", kind: "file", size: 4 },
    { path: "opt/here", kind: "link", size: 0 },
    { path: "there", kind: "link", size: 0 },
  ]);
});
