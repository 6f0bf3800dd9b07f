import { describe, expect, test } from "bun:test";
import { isLostCopy, isLostText } from "../../../../lib/tools/fs/lost-content.ts";

const PAGE = 4096;
const bytes = (text: string) => Buffer.from(text);

test.each([
  ["", true],
  ["\0\0\0\0", true],
  ["name\0\0", true],
  ["name\n", false],
])("isLostText() of %j is %j", (text, lost) => {
  expect(isLostText(bytes(text))).toBe(lost);
});

describe("isLostCopy()", () => {
  const original = "x".repeat(2 * PAGE + 1);

  test.each([
    ["the copy itself", original, false],
    ["nothing", "", true],
    ["as many NUL bytes", "\0".repeat(original.length), true],
    ["NUL bytes from a page on", original.slice(0, PAGE) + "\0".repeat(PAGE + 1), true],
    ["the first page", original.slice(0, PAGE), true],
    ["an edited beginning", original.slice(0, PAGE - 1), false],
    ["another text of a page", "y".repeat(PAGE), false],
    ["a longer text", `${original}${"y".repeat(PAGE - 1)}`, false],
  ])("takes %s for what it is", (_, copy, lost) => {
    expect(isLostCopy(bytes(copy), () => bytes(original))).toBe(lost);
  });

  test("takes nothing for a loss where the original is empty, or has NUL bytes itself", () => {
    for (const empty of ["", "a\0b"]) {
      expect(isLostCopy(bytes("a\0c"), () => bytes(empty))).toBe(false);
    }
  });

  test("does not read the original of a plain text", () => {
    const read = () => {
      throw new Error("read");
    };
    expect(isLostCopy(bytes("edited"), read)).toBe(false);
  });
});
