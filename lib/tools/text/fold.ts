/** The lines of a text; long lines are broken at a space, or anywhere without one. */
export function fold(text: string, width: number): string[] {
  return text
    .replace(/\n$/, "")
    .split("\n")
    .flatMap((line) => foldLine(line, width));
}

/** The same for one line. Further lines have the indentation of the first, plus `hanging`. */
export function foldLine(line: string, width: number, hanging = 0): string[] {
  const folded: string[] = [];
  // an indentation is limited to half of the width
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
