import { nearest } from "../../tools/text/nearest.ts";
import type { Field, StructField } from "./field.ts";
import { SCHEMA } from "./schema.ts";

/** A canonical name in the spelling of YAML and kernel parameters: `sshAuthorizedKeys` → `ssh_authorized_keys`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, "_$&").toLowerCase();
}

/** Keys that must never be assigned to an object: they would change its prototype. */
export function isUnsafeKey(key: string): boolean {
  return key === "__proto__" || key === "constructor" || key === "prototype";
}

/** The documented spellings of a field, first the one in the documentation itself: snake, camel, run together. */
export function documentedSpellings(name: string, field: Field): readonly string[] {
  const forms = [name, ...(field.aliases ?? [])].flatMap((plural) => [plural, plural.replace(/s$/, "")]);
  return [...new Set(forms.flatMap((form) => [snakeCase(form), form, form.toLowerCase()]))];
}

/**
 * Every accepted spelling of a field, in lower case. The original removed not only a final `s` but also `es` from every
 * name, so `modul` is accepted too.
 */
function spellings(name: string, { aliases = [] }: Field): string[] {
  const found: string[] = [];
  for (const plural of [name, ...aliases]) {
    for (const form of new Set([plural, without("s", plural), without("es", plural)])) {
      found.push(snakeCase(form), form.toLowerCase());
    }
  }
  return found;
}

function without(ending: string, text: string): string {
  return text.endsWith(ending) ? text.slice(0, -ending.length) : text;
}

const spellingTables = new WeakMap<StructField, ReadonlyMap<string, string>>();

function spellingTable(struct: StructField): ReadonlyMap<string, string> {
  const known = spellingTables.get(struct);
  if (known !== undefined) return known;
  const table = new Map<string, string>();
  for (const [name, field] of Object.entries(struct.fields)) {
    for (const spelling of spellings(name, field)) table.set(spelling, name);
  }
  spellingTables.set(struct, table);
  return table;
}

/** The canonical name of the field that `key` spells, in any case; undefined if there is none. */
export function fieldName(struct: StructField, key: string): string | undefined {
  return spellingTable(struct).get(key.toLowerCase());
}

/** Chooses from several spellings of one field in one source: the snake-case plural, otherwise the last one. */
export function preferredSpelling(name: string, written: readonly string[]): string {
  const preferred = snakeCase(name);
  return written.includes(preferred) ? preferred : (written.at(-1) ?? preferred);
}

/**
 * A hint for an unknown key of the section at `path`: the same key elsewhere in the configuration, otherwise the most
 * similar key. Empty if there is none.
 */
export function suggestion(struct: StructField, key: string, path: string): string {
  if (key.length > 60) return "";
  const here = path === "" ? "" : `${path}.`;
  const elsewhere = sectionsWith(key).find((section) => section !== here);
  if (elsewhere !== undefined && !path.includes("[")) {
    return `: did you mean "${elsewhere}${snakeFor(key)}"${elsewhere === "" ? " at the top level" : ""}?`;
  }
  const candidates = Object.keys(struct.fields).map(snakeCase);
  const near = nearest(snakeCase(key).replaceAll("-", "_").replace(/^_/, ""), candidates);
  return near === undefined ? "" : `: did you mean "${near}"?`;
}

function snakeFor(key: string): string {
  const name = sections().flatMap(([, struct]) => fieldName(struct, key) ?? [])[0];
  return name === undefined ? key : snakeCase(name);
}

/** The prefixes (`""`, `k3os.`, `k3os.install.`) of the sections with a field of this name. */
function sectionsWith(key: string): string[] {
  return sections().flatMap(([prefix, struct]) => (fieldName(struct, key) === undefined ? [] : [prefix]));
}

function sections(struct: StructField = SCHEMA, prefix = ""): [string, StructField][] {
  const below = Object.entries(struct.fields).flatMap(([name, field]) =>
    field.kind === "struct" ? sections(field, `${prefix}${snakeCase(name)}.`) : [],
  );
  return [[prefix, struct], ...below];
}

/** A path with one more key: `k3os.labels` and `a.b` make `k3os.labels["a.b"]`. */
export function joinPath(path: string, key: string | number): string {
  if (typeof key === "number") return `${path}[${key}]`;
  if (!/^\w+$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}
