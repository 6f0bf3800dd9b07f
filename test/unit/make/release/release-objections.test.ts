import { describe, expect, test } from "bun:test";
import { objectionsTo, type ReleaseFacts } from "../../../../lib/make/release/release-objections.ts";

const VERSION = "v0.36.3-k3s1r0";
const SOURCE = { commit: "c".repeat(40), time: 1, tags: [VERSION], dirty: [] };
const GOOD: ReleaseFacts = {
  ...{ version: VERSION, source: SOURCE, pinned: ["AA", "BB"], signer: "BB", notes: "released" },
};
const objections = (facts: Partial<ReleaseFacts>) => objectionsTo({ ...GOOD, ...facts });

describe("objectionsTo()", () => {
  test("has none to a clean tree with the tag of the version and a pinned key", () => {
    const none = { refusals: [], unpublishable: [] };
    expect(objections({})).toEqual(none);
    const { signer: _, ...signed } = GOOD;
    expect(objectionsTo(signed)).toEqual(none);
  });

  test("refuses a tag that is not the version, also beside the right one", () => {
    const refusal = `This commit has the tag v0.36.4, expected ${VERSION} by package.json`;
    for (const tags of [["v0.36.4"], [VERSION, "v0.36.4"]])
      expect(objections({ source: { ...SOURCE, tags } }).refusals).toEqual([refusal]);
  });

  test("refuses a key that is not the pinned one", () => {
    expect(objections({ signer: "CC" }).refusals).toEqual(["The key CC is not pinned, expected AA or BB"]);
  });

  test.each([
    ["no tag", { source: { ...SOURCE, tags: [] } }, `This commit has no tag, expected ${VERSION}`],
    [
      "a dirty tree",
      { source: { ...SOURCE, dirty: ["a", "b"] } },
      'The tree is dirty: "a" and 1 more are not as committed',
    ],
    ["no pinned key", { pinned: [] }, "No key is pinned in lib/tools/release/release-keys.json"],
    ["no notes", { notes: undefined }, `CHANGELOG.md has no section for ${VERSION}`],
    ["unreleased notes", { notes: "unreleased" } as const, `CHANGELOG.md calls ${VERSION} unreleased`],
  ])("lets %s be tried, and not published", (_, facts, problem) => {
    expect(objections(facts)).toEqual({ refusals: [], unpublishable: [problem] });
  });
});
