/**
 * The bytes that base64 means, in either alphabet: blanks and line breaks do not count, and padding may lack. Undefined if it
 * is something else.
 */
export function decodeBase64(text: string): Buffer | undefined {
  const [, digits] = /^([A-Za-z0-9+/_-]*)={0,2}$/.exec(text.replace(/\s+/g, "")) ?? [];
  return digits === undefined || digits.length % 4 === 1 ? undefined : Buffer.from(digits, "base64");
}

/** The bytes of base64 as every encoder writes it, padding and all; undefined for anything else, and for nothing. */
export function decodeExactBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64");
  return text !== "" && bytes.toString("base64") === text ? bytes : undefined;
}
