/** What a `${…}` of {@link cmd} may be: one word, or a list of words. */
export type Word = string | number | readonly string[];

/**
 * An argument vector that reads as the shell line which it stands for, without a shell:
 * `` cmd`mkfs.ext4 -L ${label} ${options} ${device}` ``. Blanks and line ends part the words that are written out. A value is
 * one word whatever it holds, blanks too, joined to the text that it touches (`` --size=${size} ``); a list is as many words as
 * it has, and touches nothing. Quotes are refused where they are written out, since they would not mean what they do in a
 * shell. Throws TypeError.
 */
export function cmd(texts: TemplateStringsArray, ...values: readonly Word[]): readonly string[] {
  const words: string[] = [];
  /** The word that is being put together; undefined between two words. */
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
