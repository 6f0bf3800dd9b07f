import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PROJECT_URL, RELEASES_URL } from "../../../lib/tools/host/project.ts";
import { PROJECT } from "../../support/sources.ts";

test("the project's address is the same in package.json, install.sh and the README", () => {
  const read = (name: string) => readFileSync(join(PROJECT, name), "utf8");
  expect(`https://github.com/${JSON.parse(read("package.json")).repository.replace("github:", "")}`).toBe(
    PROJECT_URL,
  );
  for (const name of ["install.sh", "README.md"])
    expect(read(name)).toContain(`${RELEASES_URL}/latest/download`);
});
