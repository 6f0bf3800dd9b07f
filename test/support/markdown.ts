import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { PROJECT } from "./sources.ts";

/** A page of the documentation; `path` is relative to the project's root. */
export interface Page {
  readonly path: string;
  readonly text: string;
}

/** A fenced block of code. */
export interface Block {
  readonly page: string;
  /** The line of the fence, counted from 1. */
  readonly line: number;
  /** What stands behind the fence: `sh`, `yaml`; "" if nothing does. */
  readonly language: string;
  readonly text: string;
  /** The comment on the line above the fence, `<!-- … -->`, without its brackets. */
  readonly marker: string | undefined;
}

/** README, CONTRIBUTING, CHANGELOG, and everything below .github and docs. */
export function readPages(): Page[] {
  const names = [".github", "docs"].flatMap((directory) => {
    const below = readdirSync(join(PROJECT, directory), { recursive: true, encoding: "utf8" });
    return below.filter((name) => name.endsWith(".md")).map((name) => join(directory, name));
  });
  return ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", ...names.sort()].map((path) => {
    return { path, text: readFileSync(join(PROJECT, path), "utf8") };
  });
}

/** All fenced blocks of a page. Throws for a fence that is never closed. */
export function blocksOf({ path, text }: Page): Block[] {
  const lines = text.split("\n");
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; at++) {
    const [, indent = "", fence, language = ""] = /^( *)(```+)(\S*)/.exec(lines[at] ?? "") ?? [];
    if (fence === undefined) continue;
    const end = lines.indexOf(indent + fence, at + 1);
    if (end < 0) throw new Error(`${path}:${at + 1}: this block has no end`);
    const body = lines.slice(at + 1, end).map((line) => line.slice(indent.length));
    const marker = /^ *<!-- (.*) -->$/.exec(lines[at - 1] ?? "")?.[1];
    blocks.push({ page: path, line: at + 1, language, text: `${body.join("\n")}\n`, marker });
    at = end;
  }
  return blocks;
}

/** The blocks of the README that it says a test file runs. */
export function readmeBlocks(testFile: string): Block[] {
  const readme = readPages().filter(({ path }) => path === "README.md");
  return readme.flatMap(blocksOf).filter(({ marker }) => marker === `run by ${testFile}`);
}

/** The text of a page with an empty line in the place of every line of its blocks: line numbers stay. */
export function proseOf({ text }: Pick<Page, "text">): string {
  return text.replace(/^( *)(```+).*\n(?:[^\n]*\n)*?\1\2$/gm, (block) => block.replace(/[^\n]/g, ""));
}

/** Lines that GitHub shows as code because they are indented after an empty line, as `FILE:LINE`. */
export function indentedBlocks(page: Page): string[] {
  const lines = proseOf(page).split("\n");
  return lines.flatMap((line, at) => {
    const inList = /^(?:[-*]|\d+\.) /.test(lines.slice(0, at).findLast((above) => /^\S/.test(above)) ?? "");
    const begins = /^ {4,}\S/.test(line) && lines[at - 1] === "";
    return begins && !inList ? [`${page.path}:${at + 1}`] : [];
  });
}

/** The fragment by which GitHub links to a heading. */
export function anchorOf(heading: string): string {
  return heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_ -]/gu, "")
    .replaceAll(" ", "-");
}

/** The fragments of all headings of a page; a heading that is repeated gets a number. */
export function anchorsOf(page: Pick<Page, "text">): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ""] of proseOf(page).matchAll(/^#+ (.+)$/gm)) {
    const anchor = anchorOf(heading);
    let unique = anchor;
    for (let number = 1; anchors.has(unique); number++) unique = `${anchor}-${number}`;
    anchors.add(unique);
  }
  return anchors;
}

/** Links to files of the project that lead nowhere, each as `FILE: LINK: why`. */
export function brokenLinks(page: Page): string[] {
  const links = [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
  return links
    .filter((link) => !/^[a-z]+:/.test(link))
    .flatMap((link) => {
      const [file = "", anchor] = link.split("#");
      const target = join(PROJECT, dirname(page.path), file);
      if (!existsSync(target)) return [`${page.path}: ${link}: there is no such file`];
      if (anchor === undefined) return [];
      const text = file === "" ? page.text : readFileSync(target, "utf8");
      return anchorsOf({ text }).has(anchor) ? [] : [`${page.path}: ${link}: there is no such heading`];
    });
}
