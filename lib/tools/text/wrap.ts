import { foldLine } from "./fold.ts";
import { printable } from "./printable.ts";

const WIDTH = 80;

/** Breaks a line into lines of at most 80 columns; further lines are indented by `hanging` more than the first. */
export function wrap(text: string, hanging = 4): string[] {
  return foldLine(text, WIDTH, hanging);
}

const LABEL_WIDTH = 10;

/** Facts with short labels, one row each; further lines of a row are aligned with its text. */
export function labelled(rows: readonly (readonly [label: string, text: string])[]): string {
  return rows
    .flatMap(([label, text]) => wrap(printable(`${label.padEnd(LABEL_WIDTH)}${text}`), LABEL_WIDTH))
    .map((line) => `${line}\n`)
    .join("");
}
