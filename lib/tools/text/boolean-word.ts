/** The words for true and false, in any case: those of YAML 1.1, and the digits of shell scripts. */
export const BOOLEAN_WORDS: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  y: true,
  "1": true,
  false: false,
  no: false,
  off: false,
  n: false,
  "0": false,
};

/**
 * Parses a boolean, in the same way for files, the kernel command line and the environment; undefined for any other
 * text.
 */
export function booleanOf(text: string): boolean | undefined {
  const word = text.trim().toLowerCase();
  return Object.hasOwn(BOOLEAN_WORDS, word) ? BOOLEAN_WORDS[word] : undefined;
}

/** The error message for an invalid boolean; `found` shows the text. */
export function noBoolean(found: string): string {
  return `found ${found}, expected true or false`;
}
