import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { COMMANDS } from "../../../bin/commands.ts";
import { loadCommands } from "../../../lib/tools/cli/command-tree.ts";
import { commandHelp, tableHelp } from "../../../lib/tools/cli/help.ts";
import { readPages } from "../../support/markdown.ts";
import { discouraged, glossaryOf, plainProse, sentencesOf, wordCount } from "../../support/prose.ts";
import { PROJECT } from "../../support/sources.ts";

/** Words in a sentence, on average of a page. */
const MEAN_LENGTH = 18;

// the history is not rewritten
const pages = readPages().filter(({ path }) => path !== "CHANGELOG.md");
const contributing = pages.find(({ path }) => path === "CONTRIBUTING.md") ?? { path: "", text: "" };
const glossary = glossaryOf(contributing);
const commands = await loadCommands(COMMANDS);

describe.each(pages)("the language of $path", (page) => {
  test("has short sentences", () => {
    const lengths = sentencesOf(page).map(wordCount);
    const mean = lengths.reduce((sum, length) => sum + length, 0) / Math.max(1, lengths.length);
    expect(mean).toBeLessThanOrEqual(MEAN_LENGTH);
  });

  test("uses the terms of the glossary", () => {
    expect(discouraged(plainProse(page), glossary)).toEqual([]);
  });
});

describe("the language of the help", () => {
  test("of the program uses the terms of the glossary", () => {
    expect(discouraged(tableHelp("k3os", COMMANDS), glossary)).toEqual([]);
  });

  test.each(commands)("of $words uses the terms of the glossary", ({ words, row, command }) => {
    expect(discouraged(commandHelp(words.join(" "), row.summary, command), glossary)).toEqual([]);
  });
});

describe("the glossary", () => {
  test("has 30 terms or more, in alphabetical order, each once", () => {
    const terms = glossary.map(({ term }) => term.toLowerCase());
    expect(terms.length).toBeGreaterThanOrEqual(30);
    expect(terms).toEqual([...new Set(terms)].toSorted());
    expect(glossary.filter(({ meaning }) => meaning === "")).toEqual([]);
  });

  test("refuses expressions of its last column, across lines, and no parts of words", () => {
    expect(discouraged("then restart\nthe machine", glossary)).toEqual([
      '"restart the machine": use "reboot"',
    ]);
    expect(discouraged("a headmaster and his ssh keys", glossary)).toEqual(['"ssh keys": use "SSH key"']);
    expect(discouraged("reboot it with an SSH key", glossary)).toEqual([]);
  });
});

test("sentencesOf() takes paragraphs and list items, without code, tables and headings", () => {
  const text =
    "# A title\n\nOne `x y z` two. Three\nfour [five](six).\n\n- seven\n- eight nine\n\n| a | b |\n\n```sh\nten\n```\n";
  expect(sentencesOf({ text }).map((sentence) => sentence.trim())).toEqual([
    "One code two.",
    "Three four five.",
    "seven",
    "eight nine",
  ]);
});

test("the recipes of CONTRIBUTING.md name files that exist", () => {
  const [, recipes = ""] = contributing.text.split("\n## Recipes\n");
  const [section = ""] = recipes.split("\n## ");
  expect(section.match(/^\*\*Add .*\*\*$/gm)).toHaveLength(6);
  const files = [...section.matchAll(/`([\w./-]+\/[\w.-]+)`/g)].map(([, file = ""]) => file);
  expect(files.length).toBeGreaterThan(30);
  const missing = files.filter((file) => !file.includes("NAME") && !existsSync(join(PROJECT, file)));
  const folders = files.filter((file) => file.includes("NAME") && !existsSync(join(PROJECT, file, "..")));
  expect([...missing, ...folders]).toEqual([]);
});
