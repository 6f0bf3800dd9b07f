import { describe, expect, test } from "bun:test";
import { readPages } from "../../support/markdown.ts";
import { discouraged, glossaryOf } from "../../support/prose.ts";
import { readSources } from "../../support/sources.ts";
import { type StringLiteral, stringLiterals } from "../../support/string-literals.ts";

interface Text extends StringLiteral {
  readonly path: string;
}

const glossary = readPages()
  .filter(({ path }) => path === "CONTRIBUTING.md")
  .flatMap(glossaryOf);

const sources = readSources(["bin", "commands", "lib"]);

/** Every text of the program of at least three words: the rest are names, and words of foreign programs. */
const texts: readonly Text[] = sources.flatMap(({ path, text }) =>
  stringLiterals(text)
    .filter((literal) => literal.text.trim().split(/\s+/).length >= 3)
    .map((literal) => ({ ...literal, path })),
);

function textsWhere(isBad: (text: Text) => boolean): string[] {
  return texts.filter(isBad).map(({ path, line, text }) => `${path}:${line}: ${text}`);
}

/** A text that is the whole message of an error, or its start. */
function isMessage({ before }: Text): boolean {
  return /\bnew \w*Error\(\s*$/.test(before);
}

function isHint({ before }: Text): boolean {
  return /\bhint: \s*$/.test(before);
}

describe("texts of the program", () => {
  test("are found, errors and hints among them", () => {
    expect(texts.filter(isMessage).length).toBeGreaterThan(200);
    expect(texts.filter(isHint).length).toBeGreaterThan(50);
  });

  test("use the words of the glossary", () => {
    const found = texts.flatMap(({ path, line, text }) =>
      discouraged(text, glossary).map((advice) => `${path}:${line}: ${advice}`),
    );
    expect(found).toEqual([]);
  });

  test('say that a thing "is not a" file rather than "is no" file', () => {
    expect(textsWhere(({ text }) => /(?<!\bthere )\b(is|are) no (?!longer|more)/i.test(text))).toEqual([]);
  });
});

describe("errors", () => {
  test("of usage begin with a capital letter or a name", () => {
    const usage = (text: Text) => isMessage(text) && /UsageError\(\s*$/.test(text.before);
    expect(textsWhere((text) => usage(text) && !/^[A-Z"{-]/.test(text.text))).toEqual([]);
  });

  test("end without a period", () => {
    expect(textsWhere((text) => isMessage(text) && /[^.]\.$/.test(text.text))).toEqual([]);
  });

  test("have hints that go on behind a colon, and end without a period", () => {
    expect(textsWhere((text) => isHint(text) && /^[A-Z][a-z]|[^.]\.$/.test(text.text))).toEqual([]);
  });
});

test("texts that name a path tell messageOf() so, which then does not repeat it", () => {
  const repeating = /"\$\{[\w.]+\}"[^`$]*\$\{messageOf\(\w+\)\}/;
  const found = sources.filter(({ text }) => repeating.test(text)).map(({ path }) => path);
  expect(found).toEqual([]);
});
