import { expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { contentProblem, decodeContent } from "../../../../lib/config/schema/content.ts";

const GZIPPED = gzipSync("grüß");

test.each([
  ["", "grüß"],
  ["b64", Buffer.from("grüß").toString("base64")],
  ["base64", ` ${Buffer.from("grüß").toString("base64")}\n`],
  ["gz", GZIPPED.toString("latin1")],
  ["gzip", GZIPPED.toString("latin1")],
  ...["gz+b64", "gzip+b64", "gz+base64", "gzip+base64", "GZIP+BASE64"].map((encoding): [string, string] => [
    encoding,
    GZIPPED.toString("base64"),
  ]),
])("decodeContent() understands the encoding %p", (encoding, content) => {
  expect(Buffer.from(decodeContent(content, encoding)).toString()).toBe("grüß");
});

test("decodeContent() keeps bytes that are no text", () => {
  const bytes = Buffer.from([0, 255, 128, 10]);
  expect(Buffer.from(decodeContent(bytes.toString("base64"), "b64")).equals(bytes)).toBe(true);
});

test.each(["a$b", "abcde", "====", "YQ===", "YWJj=YWJj"])(
  "decodeContent() refuses %p as base64",
  (content) => {
    expect(() => decodeContent(content, "b64")).toThrow("not valid base64");
  },
);

test.each([
  ["hello", "", undefined],
  ["aGk=", "b64", undefined],
  ["aG k=\n", "base64", undefined],
  ["a$b", "b64", "the content is not valid base64"],
  ["aGk=", "gzip+b64", "the content is not valid gzip data"],
  [GZIPPED.subarray(0, -9).toString("base64"), "gz+b64", "the content is not valid gzip data"],
  [gzipSync(Buffer.alloc(8 << 20)).toString("base64"), "gz+b64", undefined],
])("contentProblem() of %p in %p", (content, encoding, problem) => {
  expect(contentProblem(content, encoding)).toBe(problem as string);
});
