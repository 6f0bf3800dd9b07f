import { expect, test } from "bun:test";
import { stringLiterals } from "../../support/string-literals.ts";

function texts(code: string): string[] {
  return stringLiterals(code).map(({ text }) => text);
}

test("stringLiterals() finds strings and templates, and what is within templates", () => {
  expect(texts('f("a \\"b\\"", \'c\');')).toEqual(['a "b"', "c"]);
  expect(texts(`\`one \${y ? \`two \${{ a: "three" }.a}\` : ""} end\``)).toEqual([
    "three",
    "two {}",
    "",
    "one {} end",
  ]);
});

test("stringLiterals() is not misled by comments, regular expressions and divisions", () => {
  expect(texts('// it\'s "no"\n/* `no` */ const a = /["/\\]`]/.test(b) ? 1 / 2 : c / "yes".length;')).toEqual(
    ["yes"],
  );
});

test("stringLiterals() says where each one is", () => {
  const [, second] = stringLiterals('const a = "x";\nthrow new TypeError(\n  "y");');
  expect(second?.line).toBe(3);
  expect(second?.before).toEndWith("new TypeError(\n  ");
});
