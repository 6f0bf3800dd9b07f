const WIDTH = 80;

/**
 * Breaks a line at blanks into lines of at most 80 columns, and within words that are longer than a line. Further lines are
 * indented by `hanging` more than the first.
 */
export function wrap(text: string, hanging = 4): string[] {
  const indent = " ".repeat((/^ */.exec(text)?.[0].length ?? 0) + hanging);
  const lines: string[] = [];
  let rest = text;
  while (rest.length > WIDTH) {
    const blank = rest.lastIndexOf(" ", WIDTH);
    const end = blank > indent.length ? blank : WIDTH;
    lines.push(rest.slice(0, end));
    rest = indent + rest.slice(end).trimStart();
  }
  return [...lines, rest];
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
