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
 * The boolean that a text means, the same in a file, on the kernel command line and in the environment; undefined if it
 * means none.
 */
export function booleanOf(text: string): boolean | undefined {
  const word = text.trim().toLowerCase();
  return Object.hasOwn(BOOLEAN_WORDS, word) ? BOOLEAN_WORDS[word] : undefined;
}

/** What a message says of a text that is no boolean; `found` shows the text. */
export function noBoolean(found: string): string {
  return `found ${found}, expected true or false`;
}
