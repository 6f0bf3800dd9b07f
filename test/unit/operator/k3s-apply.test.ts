import { expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { lastAppliedByK3s, withoutK3sMarks } from "../../../lib/operator/k3s-apply.ts";

const APPLIED = "objectset.rio.cattle.io/applied";
const object = (annotations?: Readonly<Record<string, string>>) => ({
  ...{ apiVersion: "v1", kind: "Plan" },
  metadata: { name: "p", ...(annotations && { annotations }) },
});

test.each([
  ["plain", '{"spec":1}', { spec: 1 }],
  ["packed, as of larger objects", gzipSync('{"spec":1}').toString("base64"), { spec: 1 }],
  ["packed without padding", gzipSync('{"spec":1}').toString("base64").replace(/=+$/, ""), { spec: 1 }],
  ["damaged", "H4sI////", undefined],
  ["of something else", "[]", undefined],
])("lastAppliedByK3s() reads a mark that is %s", (_name, mark, expected) => {
  expect(lastAppliedByK3s(object({ [APPLIED]: mark }))).toEqual(expected as never);
});

test("lastAppliedByK3s() knows nothing of an object without a mark", () => {
  expect(lastAppliedByK3s(object())).toBeUndefined();
});

test("withoutK3sMarks() leaves all other labels and annotations", () => {
  expect(withoutK3sMarks(object({ [APPLIED]: "x", mine: "y" }))).toEqual(object({ mine: "y" }));
  expect(withoutK3sMarks(object({ [APPLIED]: "x" }))).toEqual(object());
  expect(withoutK3sMarks(object())).toEqual(object());
});
