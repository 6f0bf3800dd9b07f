import { expect, test } from "bun:test";
import { isKeptFromK3s, SKIP_TEXT, skipFile } from "../../../../lib/tools/node/manifest-skip.ts";
import { testHost } from "../../../support/host.ts";

test.each([
  [{ [skipFile("/m/a.yaml")]: SKIP_TEXT }, true],
  [{ "/m/a.yaml.skip": "" }, false],
  [{}, false],
])("isKeptFromK3s() with %j is %p", (files, isKept) => {
  using host = testHost({ files });
  expect(isKeptFromK3s("/m/a.yaml", host)).toBe(isKept);
});
