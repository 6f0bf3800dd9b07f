import { describe, expect, test } from "bun:test";
import { fold } from "../../../../lib/tools/text/fold.ts";

describe("fold()", () => {
  test.each([
    ["a b\n\nc\n", 10, ["a b", "", "c"]],
    ["one two three", 7, ["one two", "three"]],
    ["one two three", 8, ["one two", "three"]],
    ["  - one two", 7, ["  - one", "  two"]],
    ["abcdefghij k", 4, ["abcd", "efgh", "ij k"]],
    ["    abcdefgh", 6, ["    ab", "   cde", "   fgh"]],
    ["", 5, [""]],
  ])("of %p to %p columns", (text, width, lines) => {
    expect(fold(text, width)).toEqual(lines);
  });

  test("ends for an indentation as wide as the screen", () => {
    expect(fold(`${" ".repeat(9)}abc`, 9).join("")).toContain("abc");
  });
});
