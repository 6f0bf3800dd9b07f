/**
 * Characters that move the cursor of a terminal, change its colours or turn the reading direction: C0 without tab and
 * line feed, DEL, C1 (ECMA-48), bidirectional controls (Unicode Standard Annex 9), and the separators that some
 * programs read as line ends.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it searches for them
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** The length limit of a message in characters; a server or a program may send more. */
const LONGEST = 8192;

/** A text of several lines, safe for a terminal: foreign text must not contain terminal commands. */
export function printableText(text: string): string {
  return text.replace(CONTROLS, "?");
}

/** The same for a single line. */
export function printable(line: string): string {
  return printableText(line).replace(/[\t\n]/g, "?");
}

/** A message for the user: printable, and limited in length. */
export function printableMessage(text: string): string {
  const shown = printableText(text.slice(0, LONGEST));
  return text.length > LONGEST ? `${shown} … (${text.length - LONGEST} more characters)` : shown;
}
