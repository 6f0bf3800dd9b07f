import { expect, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { scratchDirectory } from "../../../../lib/tools/fs/scratch-directory.ts";
import { testHost } from "../../../support/host.ts";

test("scratchDirectory() is gone at the end of its scope, with all it holds", () => {
  using host = testHost();
  {
    using scratch = scratchDirectory(host.root, ".x-");
    writeFileSync(join(scratch.path, "file"), "x");
    expect(readdirSync(host.root)).toEqual([expect.stringMatching(/^\.x-/)]);
  }
  expect(readdirSync(host.root)).toEqual([]);
});
