/** The lines of a text, those that are too wide broken at a blank, or anywhere where there is none. */
export function fold(text: string, width: number): string[] {
  return text
    .replace(/\n$/, "")
    .split("\n")
    .flatMap((line) => foldLine(line, width));
}

/** The same for one line. Further lines are indented as the first is, and by `hanging` more. */
export function foldLine(line: string, width: number, hanging = 0): string[] {
  const folded: string[] = [];
  // what takes half of the room is not kept
  const indent = (/^ */.exec(line)?.[0] ?? "").slice(0, width / 2) + " ".repeat(hanging);
  let rest = line;
  while (rest.length > width) {
    const blank = rest.lastIndexOf(" ", width);
    const at = blank <= indent.length ? width : blank;
    folded.push(rest.slice(0, at).trimEnd());
    rest = indent + rest.slice(at).trimStart();
  }
  return [...folded, rest];
}
