/**
 * What moves the cursor of a terminal, changes its colours or turns the reading direction: C0 without tab and line feed,
 * DEL, C1 (ECMA-48), bidirectional controls (Unicode Standard Annex 9), and the separators that some take for line ends.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Characters of a message; a server or a program may say more than anybody wants to read. */
const LONGEST = 8192;

/** A text of several lines as a terminal may show it: what a server, a firmware or a file says is text, and never a command. */
export function printableText(text: string): string {
  return text.replace(CONTROLS, "?");
}

/** The same for what must stay on one line. */
export function printable(line: string): string {
  return printableText(line).replace(/[\t\n]/g, "?");
}

/** A message for people: printable, and no longer than anybody reads. */
export function printableMessage(text: string): string {
  const shown = printableText(text.slice(0, LONGEST));
  return text.length > LONGEST ? `${shown} … (${text.length - LONGEST} more characters)` : shown;
}
