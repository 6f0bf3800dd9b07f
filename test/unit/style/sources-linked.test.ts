import { describe, expect, test } from "bun:test";
import { readSources } from "../../support/sources.ts";

const product = readSources(["bin", "commands", "lib"]);

/** The comments of a file, each in one piece. */
function commentsOf(text: string): string[] {
  return text.match(/\/\*\*[\s\S]*?\*\/|(?:^\s*\/\/.*\n)+/gm) ?? [];
}

/** A source, or a page of the kernel's documentation. Manual pages and RFCs are found by their names. */
const NAMES_SOURCE = /\bSources?(?: of [a-z ]+)?: |\bDocumentation\//;

function hasLink(comment: string): boolean {
  return /https:\/\/[\w-]+\.[\w.-]+/.test(comment);
}

describe("facts of foreign systems", () => {
  const providers = product.filter(({ path, text }) => {
    return (
      path.includes("/datasource/") &&
      /^export (?:const \w+: Provider =|function \w+\([^)]*\): Provider \{)/m.test(text)
    );
  });

  test.each(providers)("of $path have a link to where they are from", ({ text }) => {
    expect(commentsOf(text).some(hasLink)).toBe(true);
  });

  test("are looked for in each data source", () => {
    const files = product.filter(({ path, text }) => {
      return /\/datasource\/(local|network)\//.test(path) && /\bProvider\b/.test(text);
    });
    expect(providers.map(({ path }) => path)).toEqual(files.map(({ path }) => path));
  });

  test("have a link wherever their source is named", () => {
    const bare = product.flatMap(({ path, text }) =>
      commentsOf(text)
        .filter((comment) => NAMES_SOURCE.test(comment) && !hasLink(comment))
        .map((comment) => `${path}: ${comment}`),
    );
    expect(bare).toEqual([]);
  });
});
