import { describe, expect, test } from "bun:test";
import { parseAllDocuments } from "yaml";
import { bootWords } from "../../../lib/boot/mode.ts";
import { readCmdline } from "../../../lib/config/cmdline.ts";
import { formatDiagnostic } from "../../../lib/config/diagnostics.ts";
import { parseBytes } from "../../../lib/config/parse.ts";
import { callComplaint } from "../../support/documented-calls.ts";
import { type Block, blocksOf, indentedBlocks, proseOf, readPages } from "../../support/markdown.ts";
import { programCalls } from "../../support/shell-lines.ts";

const pages = readPages();
const blocks = pages.flatMap(blocksOf);

/**
 * What is wrong with a block, by its language. A line above a block, `<!-- not a configuration: why -->` or
 * `<!-- not checked: why -->`, says that it is to be something else, and why.
 */
const CHECKS: Readonly<Record<string, (block: Block) => Promise<string[]> | string[]>> = {
  yaml: ({ text, page, marker }) =>
    says("not a configuration", marker) ? yamlErrors(text) : configurationErrors(text, page),
  json: ({ text, page, marker }) => {
    JSON.parse(text);
    return says("not a configuration", marker) ? [] : configurationErrors(text, page);
  },
  /** Words of the kernel's command line. */
  cmdline: ({ text, page }) => kernelLineErrors(text, page),
  sh: async ({ text }) => {
    const complaints = await Promise.all(programCalls(text).map(callComplaint));
    return complaints.filter((complaint) => complaint !== undefined);
  },
  /** What programs say, and drawings. */
  text: () => [],
};

function says(what: string, marker: string | undefined): boolean {
  return marker?.startsWith(`${what}: `) ?? false;
}

function configurationErrors(text: string, page: string): string[] {
  return parseBytes(Buffer.from(text), page).diagnostics.map(formatDiagnostic);
}

function yamlErrors(text: string): string[] {
  return parseAllDocuments(text, { uniqueKeys: true }).flatMap(({ errors }) =>
    errors.map(({ message }) => message),
  );
}

function kernelLineErrors(text: string, page: string): string[] {
  const line = text.trim().replaceAll(/\s*\n\s*/g, " ");
  const { settings, diagnostics } = readCmdline(line, page);
  const known = settings.length > 0 || Object.values(bootWords(line)).some((value) => value);
  return [...diagnostics.map(formatDiagnostic), ...(known ? [] : ["no parameter of ours"])];
}

describe("the documentation", () => {
  test("has no block of code that is only indented: a fence says in which language it is", () => {
    expect(pages.flatMap(indentedBlocks)).toEqual([]);
  });

  test("has blocks in languages that are checked, and markers that give a reason", () => {
    const strange = blocks.filter(({ language, marker }) => {
      const bad = marker !== undefined && !/^not (checked|a configuration): \S.+/.test(marker);
      return bad || (CHECKS[language] === undefined && !says("not checked", marker));
    });
    expect(strange.map(({ page, line, language }) => `${page}:${line}: ${language}`)).toEqual([]);
  });

  test.each(
    blocks
      .filter(({ marker }) => !says("not checked", marker))
      .map((block) => [block.page, block.line, block]),
  )("%s:%i holds", async (_page, _line, block) => {
    const { language } = block as Block;
    expect(await CHECKS[language]?.(block as Block)).toEqual([]);
  });

  test.each(pages)("$path names commands that exist", async (page) => {
    const spans = [...proseOf(page).matchAll(/`((?:sudo )?k3os [a-z-][^`]*)`/g)].map(([, call = ""]) => call);
    const complaints = await Promise.all(
      spans.flatMap(programCalls).map(async (words) => {
        const complaint = await callComplaint(words);
        return complaint === undefined ? [] : [`${words.join(" ")}: ${complaint}`];
      }),
    );
    expect(complaints.flat()).toEqual([]);
  });
});
