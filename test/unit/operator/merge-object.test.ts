import { describe, expect, test } from "bun:test";
import { covers, mergeObject } from "../../../lib/operator/merge-object.ts";

describe("mergeObject()", () => {
  test.each([
    ["follows the release where nobody touched it", { a: 1 }, { a: 1 }, { a: 2 }, { a: 2 }],
    ["keeps a person's value", { a: 1 }, { a: 5 }, { a: 2 }, { a: 5 }],
    ["keeps a person's removal", { a: 1, b: 1 }, { b: 1 }, { a: 2, b: 2 }, { b: 2 }],
    ["keeps a person's addition", { a: 1 }, { a: 1, c: 3 }, { a: 1 }, { a: 1, c: 3 }],
    ["keeps a person's addition that a release adds too", {}, { a: 5 }, { a: 2 }, { a: 5 }],
    ["adds what a release adds", { a: 1 }, { a: 1 }, { a: 1, b: 2 }, { a: 1, b: 2 }],
    ["removes what a release removes", { a: 1, b: 1 }, { a: 1, b: 1 }, { a: 1 }, { a: 1 }],
    ["keeps what a person changed and a release removes", { a: 1 }, { a: 5 }, {}, { a: 5 }],
    [
      "goes into objects",
      { spec: { channel: "c", n: 1 } },
      { spec: { version: "v1", n: 1 }, status: {} },
      { spec: { channel: "d", n: 2 } },
      { spec: { version: "v1", n: 2 }, status: {} },
    ],
    ["takes a list as one value", { l: [1, 2] }, { l: [1, 2] }, { l: [1, 3, 4] }, { l: [1, 3, 4] }],
    ["keeps a person's list", { l: [1, 2] }, { l: [1] }, { l: [1, 3, 4] }, { l: [1] }],
    [
      "knows the server's defaults in a list from a change",
      { l: [{ key: "a" }] },
      { l: [{ key: "a", added: true }] },
      { l: [{ key: "b" }] },
      { l: [{ key: "b" }] },
    ],
    [
      "merges lists by name",
      { l: [{ name: "x", image: "i1", env: "e" }] },
      { l: [{ name: "x", image: "i1", env: "mine", pull: "default" }, { name: "7" }] },
      {
        l: [
          { name: "x", image: "i2", env: "e" },
          { name: "y", image: "j" },
        ],
      },
      {
        l: [
          { name: "x", image: "i2", env: "mine", pull: "default" },
          { name: "7" },
          { name: "y", image: "j" },
        ],
      },
    ],
  ])("%s", (_name, delivered, live, next, expected) => {
    expect(mergeObject(delivered, live, next)).toEqual(expected);
  });

  test("changes nothing where all is as it should be", () => {
    const live = { spec: { l: [{ name: "x", added: 1 }], m: [{ key: "k", added: 1 }] } };
    const next = { spec: { l: [{ name: "x" }], m: [{ key: "k" }] } };
    expect(mergeObject(next, live, next)).toEqual(live);
    expect(mergeObject({}, live, next)).toEqual(live);
  });
});

test("covers() allows what the server adds, and nothing else", () => {
  expect(covers({ a: { b: 1, c: 2 } }, { a: { b: 1 } })).toBe(true);
  expect(covers({ a: { b: 1 } }, { a: { b: 1, c: 2 } })).toBe(false);
  expect(covers([1, 2, 3], [1, 2])).toBe(false);
  expect(covers("1", 1)).toBe(false);
});
