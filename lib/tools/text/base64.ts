/**
 * Decodes base64 of either alphabet; spaces and line breaks are ignored, and padding is optional. Undefined for any
 * other text.
 */
export function decodeBase64(text: string): Buffer | undefined {
  const [, digits] = /^([A-Za-z0-9+/_-]*)={0,2}$/.exec(text.replace(/\s+/g, "")) ?? [];
  return digits === undefined || digits.length % 4 === 1 ? undefined : Buffer.from(digits, "base64");
}

/** Decodes base64 in its canonical form, with padding; undefined for any other text, and for an empty one. */
export function decodeExactBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64");
  return text !== "" && bytes.toString("base64") === text ? bytes : undefined;
}
