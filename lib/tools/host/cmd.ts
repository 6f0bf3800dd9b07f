/** A `${…}` of {@link cmd}: one word, or a list of words. */
export type Word = string | number | readonly string[];

/**
 * An argument vector that is written like a shell line, without a shell:
 * `` cmd`mkfs.ext4 -L ${label} ${options} ${device}` ``. Spaces and line ends separate literal words. A value is always
 * one word, even with spaces, and is joined to adjacent text (`` --size=${size} ``); a list becomes separate words, and
 * must not touch other text. Literal quotes are refused, because they would not work as in a shell. Throws TypeError.
 */
export function cmd(texts: TemplateStringsArray, ...values: readonly Word[]): readonly string[] {
  const words: string[] = [];
  /** The current word; undefined between two words. */
  let open: string | undefined;
  const close = () => {
    if (open !== undefined) words.push(open);
    open = undefined;
  };
  for (const [index, text] of texts.entries()) {
    if (/["'\\]/.test(text)) throw new TypeError(`cmd: quotes group nothing here: ${text.trim()}`);
    for (const part of text.match(/\s+|\S+/g) ?? []) {
      if (part.trim() === "") close();
      else open = (open ?? "") + part;
    }
    const value = values[index];
    if (value === undefined) continue;
    if (typeof value === "string" || typeof value === "number") {
      open = `${open ?? ""}${value}`;
    } else {
      const next = texts[index + 1] ?? "";
      if (open !== undefined || (next === "" ? index + 1 < values.length : /^\S/.test(next))) {
        throw new TypeError(`cmd: a list of words touches other text: ${value.join(" ")}`);
      }
      words.push(...value);
    }
  }
  close();
  return words;
}
