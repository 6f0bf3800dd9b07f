import type { Field, ListField, MapField, StructField } from "../schema/field.ts";
import {
  fieldName,
  isUnsafeKey,
  joinPath,
  preferredSpelling,
  snakeCase,
  suggestion,
} from "../schema/names.ts";
import { type Checked, checkFlag, checkText } from "../schema/scalars.ts";
import { BOOT_WORDS, SCHEMA } from "../schema/schema.ts";
import type { Diagnostic } from "./diagnostics.ts";
import type { Entry, Layer, Setting, SettingValue } from "./setting.ts";

/** One word of a kernel command line. */
export interface Word {
  readonly name: string;
  /** The text after the first `=`; undefined for a word without one. */
  readonly value: string | undefined;
  /** Column of the word's first character, counted from 1. */
  readonly column: number;
  /** It has an unclosed quote. */
  readonly unclosed: boolean;
}

/** A word that sets a field, or an entry of a map field. */
interface Assignment {
  readonly field: Exclude<Field, StructField>;
  /** Canonical path of the field. */
  readonly path: string;
  /** The field's path in the spelling of the word. */
  readonly spelling: string;
  readonly key: string | undefined;
  readonly word: Word;
}

type Report = (
  word: Word,
  path: string,
  message: string,
  kind?: Diagnostic["kind"] | Diagnostic["severity"],
) => undefined;

/**
 * Splits a kernel command line as the kernel does (next_arg() in lib/cmdline.c): at spaces outside double quotes.
 * Quotes around a value or a whole word are removed. Single quotes are plain characters. Unlike in the kernel, an
 * unclosed quote does not extend to the end of the line.
 */
export function splitCmdline(line: string): readonly Word[] {
  const words: Word[] = [];
  for (const { 0: text, index } of line.matchAll(/(?:[^\s"]|"[^"]*"|")+/g)) {
    const word = text.startsWith('"') ? unquote(text) : text;
    const equals = word.indexOf("=", 1);
    words.push({
      name: equals < 0 ? word : word.slice(0, equals),
      value: equals < 0 ? undefined : unquote(word.slice(equals + 1)),
      column: index + 1,
      unclosed: text.split('"').length % 2 === 0,
    });
  }
  return words;
}

function unquote(text: string): string {
  if (!text.startsWith('"')) return text;
  return text.slice(1, text.length > 1 && text.endsWith('"') ? -1 : undefined);
}

/**
 * The settings of a kernel command line: `k3os.token=T`, `k3os.dns_nameserver=A k3os.dns_nameserver=B`,
 * `k3os.labels.region=R`, `k3os.sysctl[kernel.printk]="4 4 1 7"`, `k3os.install.silent`. Unrelated words are skipped.
 */
export function readCmdline(line: string, source: string): Layer {
  const diagnostics: Diagnostic[] = [];
  const report: Report = ({ column }, path, message, kind) => {
    const place = { source, line: 1, column };
    if (kind === "unknown-key") diagnostics.push({ severity: "warning", kind, place, path, message });
    else diagnostics.push({ severity: kind ?? "warning", place, path, message });
    return undefined;
  };
  const assignments = new Map<string, Assignment[]>();
  for (const word of splitCmdline(line)) {
    const assignment = readWord(word, report);
    if (assignment === undefined) continue;
    const others = assignments.get(assignment.path);
    if (others === undefined) assignments.set(assignment.path, [assignment]);
    else others.push(assignment);
  }
  const settings: Setting[] = [];
  for (const [path, all] of assignments) {
    const counting = withOneSpelling(path, all, report);
    const value = fieldValue(counting, report);
    const column = counting.at(-1)?.word.column;
    if (value === undefined || column === undefined) continue;
    settings.push({ path, value, place: { source, line: 1, column } });
  }
  return { settings, diagnostics };
}

/** The field that a word sets; undefined for unrelated words, and for unusable ones, which are reported. */
function readWord(word: Word, report: Report): Assignment | undefined {
  let struct: StructField = SCHEMA;
  let path = "";
  for (let rest = word.name; ; ) {
    const [part = ""] = /^[^.[\]]+/.exec(rest) ?? [];
    const name = fieldName(struct, part);
    if (path === "" && name === undefined) return undefined;
    if (path === "k3os" && BOOT_WORDS.some((known) => known === part)) return undefined;
    const shown = snakeCase(path);
    const field = name === undefined ? undefined : struct.fields[name];
    if (name === undefined || field === undefined) {
      return report(
        word,
        joinPath(shown, rest),
        `unknown key${suggestion(struct, part, shown)}`,
        "unknown-key",
      );
    }
    path = path === "" ? name : `${path}.${name}`;
    rest = rest.slice(part.length);
    if (field.kind !== "struct") return readKey(field, path, rest, word, report);
    if (!rest.startsWith(".") || rest === ".") {
      return report(word, snakeCase(path), `found "${word.name}" alone, expected a key below it: ignored`);
    }
    struct = field;
    rest = rest.slice(1);
  }
}

/** Completes {@link readWord} for a word that names `field`; `rest` is the remaining part of its name. */
function readKey(
  field: Assignment["field"],
  path: string,
  rest: string,
  word: Word,
  report: Report,
): Assignment | undefined {
  const shown = snakeCase(path);
  const fail = (message: string) => report(word, shown, message, "error");
  const key = /^(?:\.(.+)|\[(.+)\])$/s
    .exec(rest)
    ?.slice(1)
    .find((text) => text !== undefined);
  const spelling = word.name.slice(0, word.name.length - rest.length);
  if (word.unclosed) return fail('found a quote that is never closed, expected another "');
  if (field.kind === "map") {
    if (key === undefined)
      return fail(`found "${word.name}", expected ${spelling}.KEY=VALUE or ${spelling}[KEY]=VALUE`);
    if (isUnsafeKey(key)) return report(word, joinPath(shown, key), `found the key "${key}": it is ignored`);
  } else if (rest !== "") {
    return report(word, shown, `unknown key ${JSON.stringify(rest)} below ${spelling}`, "unknown-key");
  }
  const part = field.kind === "list" ? field.item : field.kind === "map" ? field.value : field;
  if (part.kind === "struct") {
    return fail("found on the kernel command line, expected in a file: its entries have several parts");
  }
  if (word.value === undefined && field.kind !== "flag") {
    return fail(`found no value, expected ${word.name}=VALUE`);
  }
  return { field, path, spelling, key, word };
}

/** Selects from words that spell one field differently those that count. */
function withOneSpelling(path: string, all: readonly Assignment[], report: Report): readonly Assignment[] {
  const spellings = all.map(({ spelling }) => spelling);
  const counting = preferredSpelling(path, spellings);
  for (const { spelling, word } of all) {
    if (spelling === counting) continue;
    const message = `found "${spelling}" beside "${counting}", which means the same: only "${counting}" counts`;
    report(word, snakeCase(path), message);
  }
  return all.filter(({ spelling }) => spelling === counting);
}

/** The combined value of all words for one field. */
function fieldValue(words: readonly Assignment[], report: Report): SettingValue | undefined {
  const last = words.at(-1);
  if (last === undefined) return undefined;
  const { field, path, word } = last;
  switch (field.kind) {
    case "list":
      return listValue(field, words, report);
    case "map":
      return mapValue(field, words, report);
    case "text":
      return used(checkText(field, word.value ?? ""), word, snakeCase(path), report);
    case "flag":
      return used(checkFlag(field, word.value ?? "true"), word, snakeCase(path), report);
  }
}

/** The value of a word if it is valid; problems are reported. */
function used<T>(checked: Checked<T>, word: Word, path: string, report: Report): T | undefined {
  if ("problem" in checked) return report(word, path, checked.problem, "error");
  const { value, flaw } = checked;
  if (flaw?.kept !== undefined) report(word, path, flaw.message, flaw.kept);
  return value;
}

/** If all values are invalid, there is no setting: an empty list would clear that of the sources below. */
function listValue(
  field: ListField,
  words: readonly Assignment[],
  report: Report,
): readonly string[] | undefined {
  const { item } = field;
  if (item.kind !== "text" || words.every(({ word }) => word.value === "")) return [];
  const values = words.flatMap(({ path, word }) => {
    if (word.value === "") return []; // `k3os.modules=` empties the list
    return used(checkText(item, word.value ?? ""), word, snakeCase(path), report) ?? [];
  });
  return values.length > 0 ? values : undefined;
}

/** Several words for a key with a list are its items; otherwise the last one counts. */
function mapValue(field: MapField, words: readonly Assignment[], report: Report): Entry | undefined {
  const { value } = field;
  const item = value.kind === "list" ? value.item : value;
  if (item.kind !== "text") return undefined; // refused by readKey()
  const entries = new Map<string, string | readonly string[]>();
  for (const { path, key = "", word } of words) {
    const where = joinPath(snakeCase(path), key);
    const parts = [
      [field.key, key],
      [item, word.value ?? ""],
    ] as const;
    if (parts.some(([part, text]) => used(checkText(part, text), word, where, report) === undefined))
      continue;
    const found = word.value ?? "";
    const before = entries.get(key);
    if (value.kind === "text") entries.set(key, found);
    else entries.set(key, [...(Array.isArray(before) ? before : []), ...(found === "" ? [] : [found])]);
  }
  return entries.size > 0 ? Object.fromEntries(entries) : undefined;
}
