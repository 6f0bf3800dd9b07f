import { foldLine } from "../text/fold.ts";
import type { Block, ManPage } from "./man-page.ts";

const WIDTH = 80;
const INDENT = 7;

/** A page in roff, with the macros of man(7). `date` is the date of the release, YYYY-MM-DD. */
export function roffPage({ name, sections }: ManPage, about: { version: string; date: string }): string {
  const head = [name.toUpperCase(), "1", about.date, `k3OS ${about.version}`, "k3OS"];
  const lines = sections.flatMap(({ title, blocks }) => [
    `.SH ${title}`,
    ...blocks.flatMap((block, index) => roffBlock(block, index === 0)),
  ]);
  return `.TH ${head.map((text) => `"${text}"`).join(" ")}\n${lines.join("\n")}\n`;
}

function roffBlock(block: Block, first: boolean): string[] {
  switch (block.kind) {
    case "text":
      return [...(first ? [] : [".PP"]), ...lines(block.text)];
    case "literal":
      return [".PP", ".nf", ".RS 4", ...block.text.split("\n").map(line), ".RE", ".fi"];
    case "usage":
      return [...(first ? [] : [".br"]), `.B ${escaped(block.name)}`, line(block.rest)];
    case "item": {
      const value = block.value === undefined ? "" : ` \\fI${escaped(block.value)}\\fR`;
      return [".TP", `\\fB${escaped(block.term)}\\fR${value}`, ...lines(block.text)];
    }
  }
}

/** Splits text into lines that are short enough for roff tools. */
function lines(text: string): string[] {
  return foldLine(text, WIDTH - 10).map(line);
}

/** A line of text, escaped so that it is not read as a request. */
function line(text: string): string {
  const shown = escaped(text);
  return /^[.]/.test(shown) ? `\\&${shown}` : shown;
}

/** Escapes the characters that roff would not print literally (groff_char(7)). */
function escaped(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("'", "\\(aq")
    .replaceAll("`", "\\(ga")
    .replaceAll("^", "\\(ha")
    .replaceAll("~", "\\(ti")
    .replaceAll('"', "\\(dq");
}

/** A page as plain text, for systems without man(1). */
export function plainPage({ sections }: ManPage): string {
  const texts = sections.map(({ title, blocks }) => {
    const parts = blocks.map((block, index) => {
      const close = index === 0 || (block.kind === "usage" && blocks[index - 1]?.kind === "usage");
      return (close ? "" : "\n") + plainBlock(block);
    });
    return `${title}\n${parts.join("")}`;
  });
  return texts.join("\n");
}

function plainBlock(block: Block): string {
  switch (block.kind) {
    case "text":
      return indented(foldLine(block.text, WIDTH - INDENT), INDENT);
    case "literal":
      return indented(block.text.split("\n"), INDENT + 4);
    case "usage":
      return indented([`${block.name} ${block.rest}`], INDENT);
    case "item": {
      const term = block.value === undefined ? block.term : `${block.term} ${block.value}`;
      return indented([term], INDENT) + indented(foldLine(block.text, WIDTH - 2 * INDENT), 2 * INDENT);
    }
  }
}

function indented(lines: readonly string[], columns: number): string {
  return lines.map((text) => `${" ".repeat(columns)}${text}\n`).join("");
}
