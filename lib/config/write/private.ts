import { HIDDEN, redactArguments, redactText, type Secrets, secretWords } from "../../tools/text/redact.ts";
import type { Layer } from "../read/setting.ts";
import { decodeContent } from "../schema/content.ts";
import type { Field, StructField } from "../schema/field.ts";
import { fieldName } from "../schema/names.ts";
import { BOOT_WORDS, SCHEMA } from "../schema/schema.ts";

/** Who sees a value: users of the machine, or readers of data that leaves it. */
export type Audience = "here" | "elsewhere";

function isHidden({ secret, private: isPrivate }: Field, audience: Audience): boolean {
  return secret === true || (audience === "elsewhere" && isPrivate === true);
}

/** A value of a field without the parts that its declaration hides from this audience. */
export function masked(field: Field, value: unknown, audience: Audience): unknown {
  if (isHidden(field, audience)) return HIDDEN;
  switch (field.kind) {
    case "struct":
      return maskedEntries(value, (name) => field.fields[name], audience);
    case "map": {
      if (field.options) return Object.fromEntries(Object.entries(value as object).map(maskedOption));
      return maskedEntries(value, () => field.value, audience);
    }
    case "list": {
      const items = value as readonly unknown[];
      const isArguments = field.item.kind === "text" && field.item.argument;
      if (isArguments) return redactArguments(items as readonly string[]);
      return items.map((item) => masked(field.item, item, audience));
    }
    case "text":
      return audience === "elsewhere" ? redactText(value as string) : value;
    case "flag":
      return value;
  }
}

/** An option of a program and its value, or values. */
function maskedOption([name, value]: [string, string | readonly string[]]): [string, unknown] {
  const mask = isSecretOption(name) ? () => HIDDEN : (text: string) => redactText(text);
  return [name, typeof value === "string" ? mask(value) : value.map(mask)];
}

function isSecretOption(name: string): boolean {
  const [, shown] = redactArguments([`--${name.replace(/\+$/, "")}`, "value"]);
  return shown === HIDDEN;
}

function maskedEntries(value: unknown, fieldOf: (name: string) => Field | undefined, audience: Audience) {
  const entries = Object.entries(value as object).flatMap(([name, part]) => {
    const field = fieldOf(name);
    return field === undefined ? [] : [[name, masked(field, part, audience)]];
  });
  return Object.fromEntries(entries) as Readonly<Record<string, unknown>>;
}

/** Minimum lengths: shorter strings would occur in half of all words, and private ones even more often. */
const SHORTEST = { secret: 4, private: 6, line: 12 } as const;
/** Maximum length of a text whose lines are searched one by one; words are searched in texts of any length. */
const SHORT_TEXT = 4096;

interface Found {
  readonly texts: Set<string>;
  readonly words: Set<string>;
}

/**
 * Every string in these layers that must not leave the machine, to be searched for elsewhere, for example in journals.
 * For longer texts, such as commands and contents of files, this includes lines and words that look like secrets, since
 * programs repeat these alone. Addresses and numbers are left out if only their context makes them private.
 */
export function secretTexts(layers: readonly Layer[]): Secrets {
  const found: Found = { texts: new Set(), words: new Set() };
  for (const { settings } of layers) {
    for (const { path, value } of settings) collect(fieldAt(path), value, false, found);
  }
  return { texts: [...found.texts], words: found.words };
}

function fieldAt(path: string): Field {
  return path.split(".").reduce<Field>((field, name) => (field as StructField).fields[name] ?? field, SCHEMA);
}

function collect(field: Field, value: unknown, above: boolean, found: Found): void {
  const hidden = above || isHidden(field, "elsewhere");
  switch (field.kind) {
    case "list":
      if (field.item.kind === "text" && field.item.argument)
        collectArguments(value as readonly string[], found);
      else for (const item of value as readonly unknown[]) collect(field.item, item, hidden, found);
      return;
    case "map":
      for (const [key, part] of Object.entries(value as object)) {
        const isSecret = field.options && isSecretOption(key);
        if (!isSecret) collect(field.value, part, hidden, found);
        else for (const text of [part].flat()) collectText(text, { hidden: true, secret: true }, found);
      }
      return;
    case "struct":
      collectEntry(field, value as Readonly<Record<string, unknown>>, hidden, found);
      return;
    case "text":
      collectText(String(value), { hidden, secret: field.secret === true }, found);
  }
}

function collectEntry(
  { fields }: StructField,
  entry: Readonly<Record<string, unknown>>,
  hidden: boolean,
  found: Found,
): void {
  for (const [name, part] of Object.entries(entry)) {
    const field = fields[name];
    if (field === undefined) continue;
    collect(field, part, hidden, found);
    const encoding = field.kind === "text" && field.bytesBy ? entry[field.bytesBy] : undefined;
    const decoded = decode(String(part), encoding);
    if (decoded !== undefined) collect(field, decoded, hidden, found);
  }
}

function collectArguments(args: readonly string[], found: Found): void {
  for (const [at, shown] of redactArguments(args).entries()) {
    const arg = args[at] ?? "";
    if (shown === arg) continue;
    const value = shown === HIDDEN ? arg : arg.slice(arg.indexOf("=") + 1);
    collectText(value, { hidden: true, secret: true }, found);
  }
}

function collectText(value: string, is: { hidden: boolean; secret: boolean }, found: Found): void {
  for (const secret of secretsOfUrls(value)) found.texts.add(secret);
  if (!is.hidden) return;
  const text = value.trim();
  const isCommon = !is.secret && /^[\d.:/,]*$/.test(text);
  if (text.length >= SHORTEST[is.secret ? "secret" : "private"] && !isCommon) found.texts.add(text);
  const lines = text.length <= SHORT_TEXT && text.includes("\n") ? text.split("\n") : [];
  for (const line of lines) if (line.trim().length >= SHORTEST.line) found.texts.add(line.trim());
  for (const word of secretWords(text)) found.words.add(word);
}

/** Passwords, and values in the query. */
function secretsOfUrls(text: string): string[] {
  const passwords = [...text.matchAll(/:\/\/[^\s/?#@:]*:([^\s/?#]*)@/g)].map(([, password = ""]) => password);
  const values = [...text.matchAll(/[?&][^\s=&]{1,64}=([^\s&"']+)/g)].map(([, query = ""]) => query);
  return [...passwords, ...values].filter(({ length }) => length >= SHORTEST.secret);
}

function decode(content: string, encoding: unknown): string | undefined {
  if (typeof encoding !== "string" || encoding === "") return undefined;
  try {
    return new TextDecoder().decode(decodeContent(content, encoding));
  } catch {
    return undefined; // not in this encoding: the text itself is searched for
  }
}

/** `NAME=value`, with quotes around the value or around all of it, as in the kernel. */
const WORD = /(^|[\s'])("?)([A-Za-z_][\w-]*(?:[.[][^\s="]*)?)=("[^"\n]*"?|[^\s"]*)/gm;

/**
 * A text that may contain kernel command lines, without the values of private settings. Unknown names below `k3os.` are
 * treated as private: they may be misspelled.
 */
export function redactKernelWords(text: string): string {
  const outside = text.replaceAll(
    /(^|[\s'])"([A-Za-z_][\w-]*(?:[.[][^\s="]*)?)=[^"\n]*"?/gm,
    (all, before: string, name: string) => (isPrivateWord(name) ? `${before}"${name}=${HIDDEN}"` : all),
  );
  return outside.replaceAll(WORD, (all, before: string, quote: string, name: string) =>
    quote === "" && isPrivateWord(name) ? `${before}${name}=${HIDDEN}` : all,
  );
}

function isPrivateWord(word: string): boolean {
  let struct: StructField = SCHEMA;
  const parts = word.split(/[.[]/);
  for (const [at, part] of parts.entries()) {
    const name = fieldName(struct, part);
    const field = name === undefined ? undefined : struct.fields[name];
    if (field === undefined) return at > 0 && !BOOT_WORDS.some((known) => known === part);
    if (field.kind !== "struct") return hidesWord(field);
    struct = field;
  }
  return false;
}

function hidesWord(field: Exclude<Field, StructField>): boolean {
  const isItemHidden = field.kind === "list" && isHidden(field.item, "elsewhere");
  const isValueHidden = field.kind === "map" && (field.options || isHidden(field.value, "elsewhere"));
  return isHidden(field, "elsewhere") || isItemHidden || isValueHidden;
}
