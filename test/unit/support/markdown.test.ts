import { describe, expect, test } from "bun:test";
import { anchorsOf, blocksOf, brokenLinks, indentedBlocks } from "../../support/markdown.ts";

const page = (text: string) => ({ path: "docs/page.md", text });

describe("blocksOf()", () => {
  test("finds blocks with their language, line and marker, also inside of lists", () => {
    const text =
      "Text\n\n<!-- not checked: a drawing -->\n```text\na\n\nb\n```\n\n- item\n\n  ```sh\n  k3os status\n  ```\n";
    expect(blocksOf(page(text))).toEqual([
      { page: "docs/page.md", line: 4, language: "text", text: "a\n\nb\n", marker: "not checked: a drawing" },
      { page: "docs/page.md", line: 12, language: "sh", text: "k3os status\n", marker: undefined },
    ]);
  });

  test("refuses a block without an end", () => {
    expect(() => blocksOf(page("```sh\nls\n"))).toThrow("docs/page.md:1: this block has no end");
  });
});

test("indentedBlocks() finds what is code only by its indent; lists and fenced blocks are no such thing", () => {
  const text = "Text\n\n    code\n\n- item\n\n    its second paragraph\n\nText\n\n```sh\na\n\n    b\n```\n";
  expect(indentedBlocks(page(text))).toEqual(["docs/page.md:3"]);
});

test("anchorsOf() makes fragments as GitHub does, and leaves out what a block holds", () => {
  const text =
    "# How it works\n## k3os.token\n## `--no-format`\n## A, [b](c.md)\n## A, b\n```sh\n# not\n```\n";
  expect([...anchorsOf(page(text))]).toEqual(["how-it-works", "k3ostoken", "--no-format", "a-b", "a-b-1"]);
});

test("brokenLinks() finds links to files and headings that are not there", () => {
  const text =
    "# One\n[a](boot.md#modes) [b](#one) [c](https://example.com/x) [d](#two) [e](none.md) [f](boot.md#none)";
  expect(brokenLinks(page(text))).toEqual([
    "docs/page.md: #two: there is no such heading",
    "docs/page.md: none.md: there is no such file",
    "docs/page.md: boot.md#none: there is no such heading",
  ]);
});
