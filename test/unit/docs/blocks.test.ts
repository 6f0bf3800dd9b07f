import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseAllDocuments } from "yaml";
import { bootWords } from "../../../lib/boot/mode.ts";
import { readCmdline } from "../../../lib/config/read/cmdline.ts";
import { formatDiagnostic } from "../../../lib/config/read/diagnostics.ts";
import { parseBytes } from "../../../lib/config/read/parse.ts";
import { callComplaint } from "../../support/documented-calls.ts";
import { type Block, blocksOf, indentedBlocks, proseOf, readPages } from "../../support/markdown.ts";
import { programCalls } from "../../support/shell-lines.ts";
import { PROJECT } from "../../support/sources.ts";

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

/** The commands of ours that a text calls: `remaster`, `k3os-upgrade-rootfs`, `install.sh`. */
function ourWords(text: string): string[] {
  return programCalls(text).flatMap(([program = "", word = ""]) => {
    if (program === "k3os") return [word];
    return /^k3os-|install\.sh$/.test(program) ? [basename(program)] : [];
  });
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
      const bad =
        marker !== undefined && !/^(?:not (?:checked|a configuration|run): \S.+|run by \S+)$/.test(marker);
      return bad || (CHECKS[language] === undefined && !says("not checked", marker));
    });
    expect(strange.map(({ page, line, language }) => `${page}:${line}: ${language}`)).toEqual([]);
  });

  const commands = blocks.filter(({ page, language }) => {
    return page === "README.md" && ["sh", "cmdline"].includes(language);
  });
  test.each(commands.map(({ line, marker, text }) => [line, marker, text] as const))(
    "README.md:%i is run by a test, or says why not",
    async (_line, marker, text) => {
      if (says("not run", marker)) return;
      const source = readFileSync(join(PROJECT, marker?.replace("run by ", "") ?? ""), "utf8");
      // a test that takes the block from this page has its words from there
      const missing = ourWords(text).filter((word) => !source.includes(word));
      expect(source.includes("readmeBlocks(") ? [] : missing).toEqual([]);
    },
  );

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
