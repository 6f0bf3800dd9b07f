import { expect, test } from "bun:test";
import { decodeBase64, decodeExactBase64 } from "../../../../lib/tools/text/base64.ts";
import { readSources } from "../../../support/sources.ts";

test.each([
  ["aGk=", "hi", "hi"],
  ["aGk", "hi", undefined],
  [" aG\n k=\n", "hi", undefined],
  ["_-8=", "\xff\xef", undefined],
  ["/+8=", "\xff\xef", "\xff\xef"],
  ["", "", undefined],
  ["aGk==", "hi", undefined],
  ["aGl=", "hi", undefined],
  ["a", undefined, undefined],
  ["aGk=x", undefined, undefined],
  ["hello, world", undefined, undefined],
] as const)("decodeBase64() of %j is %j, decodeExactBase64() %j", (text, lenient, exact) => {
  expect(decodeBase64(text)?.toString("latin1")).toBe(lenient as string);
  expect(decodeExactBase64(text)?.toString("latin1")).toBe(exact as string);
});

test("no other module decodes base64 that somebody else wrote", () => {
  const others = readSources(["commands", "lib"]).filter(({ text }) =>
    /Buffer\.from\([^()]*"base64"/.test(text),
  );
  expect(others.map(({ path }) => path)).toEqual([
    "lib/datasource/cache.ts", // our own
    "lib/tools/node/tried-config.ts", // our own
    "lib/tools/text/base64.ts",
  ]);
});
