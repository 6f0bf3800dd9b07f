import { expect, test } from "bun:test";
import { readList, readMap } from "../../../lib/operator/node-object.ts";

test.each([
  ['{"a":"1","b":2}', { a: "1" }],
  ["[]", undefined],
  ["", undefined],
  [undefined, undefined],
])("readMap() of %p is %j", (text, map) => {
  expect(readMap(text)).toEqual(map as never);
});

test.each([
  ['["a",1]', ["a"]],
  ["{}", undefined],
  ["nonsense", undefined],
])("readList() of %p is %j", (text, list) => {
  expect(readList(text)).toEqual(list);
});
