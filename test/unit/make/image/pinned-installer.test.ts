import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { pinnedInstaller } from "../../../../lib/make/image/pinned-installer.ts";
import { COMMITTED_KEYS } from "../../../../lib/tools/release/release-keys.ts";
import { testHost } from "../../../support/host.ts";
import { PROJECT } from "../../../support/sources.ts";

test("pinnedInstaller() changes nothing of install.sh but its keys", () => {
  using host = testHost();
  const written = (releaseKeys: readonly string[]) => {
    const path = pinnedInstaller({ project: PROJECT, cache: host.root, releaseKeys });
    return readFileSync(path, "utf8").split("\n");
  };
  const original = readFileSync(`${PROJECT}/install.sh`, "utf8").split("\n");
  expect(written([])).toEqual(original);
  const lines = written(["RWone", "RWtwo"]);
  const changed = lines.filter((line, index) => line !== original[index]);
  expect(changed).toEqual([`KEYS='${[...COMMITTED_KEYS, "RWone", "RWtwo"].join(" ")}'`]);
  expect(lines).toHaveLength(original.length);
});
