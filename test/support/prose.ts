import { type Page, proseOf } from "./markdown.ts";

/** A row of the glossary in CONTRIBUTING.md. */
export interface Term {
  readonly term: string;
  readonly meaning: string;
  /** Expressions that the documentation does not use for it. */
  readonly not: readonly string[];
}

/** The glossary: the table with the columns "term", "meaning" and "not". Throws if the page has none. */
export function glossaryOf({ path, text }: Page): Term[] {
  const [, table] = text.split("| term | meaning | not |\n|---|---|---|\n");
  if (table === undefined) throw new Error(`${path} has no glossary`);
  const end = /^(?!\|)/m.exec(table)?.index;
  return table
    .slice(0, end)
    .trim()
    .split("\n")
    .map((row) => {
      const [term = "", meaning = "", not = ""] = row
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim());
      return { term, meaning, not: not === "" ? [] : not.split(", ") };
    });
}

/** The expressions of the glossary's last column that a text uses, each with the term to use instead. */
export function discouraged(text: string, glossary: readonly Term[]): string[] {
  const words = text.replace(/\s+/g, " ");
  return glossary.flatMap(({ term, not }) =>
    not
      .filter((expression) =>
        new RegExp(`(?<![\\w-])${expression}(?![\\w-])`, /[A-Z]/.test(term) ? "" : "i").test(words),
      )
      .map((expression) => `"${expression}": use "${term}"`),
  );
}

/** A page without blocks, inline code, links and its own glossary: what the reader reads as language. */
export function plainProse(page: Pick<Page, "text">): string {
  return proseOf(page)
    .replace(/<!--[\s\S]*?-->/g, "")
    .replace(/\| term \| meaning \| not \|\n(?:\|.*\n)*/, "")
    .replace(/`[^`]+`/g, "code")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1");
}

/** The sentences of a page's paragraphs and lists; tables and headings have none. */
export function sentencesOf(page: Pick<Page, "text">): string[] {
  const paragraphs = plainProse(page)
    .replace(/^[ ]*(?:[|#]).*$/gm, "")
    .replace(/^[ ]*(?:[-*]|\d+\.) /gm, "\n")
    .split(/\n\s*\n/);
  return paragraphs.flatMap((paragraph) =>
    paragraph
      .replaceAll("**", "")
      .replace(/\s+/g, " ")
      .split(/(?<=[.!?]\)?) /)
      .filter((sentence) => wordCount(sentence) > 0),
  );
}

/** Words are what has a letter or a digit. */
export function wordCount(sentence: string): number {
  return sentence.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
}
