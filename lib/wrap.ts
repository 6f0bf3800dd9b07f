import { foldLine } from "./fold.ts";

const WIDTH = 80;

/** Breaks a line into lines of at most 80 columns, the further ones indented by `hanging` more than the first. */
export function wrap(text: string, hanging = 4): string[] {
  return foldLine(text, WIDTH, hanging);
}

/** What a server, a firmware or a file says must not move the cursor of the terminal that it is shown on. */
export function printable(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return line.replace(/[\x00-\x1f\x7f-\x9f]/g, "?");
}

const LABEL_WIDTH = 10;

/** Facts under short labels, a row each, further lines of a row below its text. */
export function labelled(rows: readonly (readonly [label: string, text: string])[]): string {
  return rows
    .flatMap(([label, text]) => wrap(printable(`${label.padEnd(LABEL_WIDTH)}${text}`), LABEL_WIDTH))
    .map((line) => `${line}\n`)
    .join("");
}
