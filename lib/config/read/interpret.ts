import { isAlias, isMap, isScalar, isSeq, type Node } from "yaml";
import { isCloudInitKey } from "../schema/cloud-init-keys.ts";
import type { Field, FlagField, ListField, MapField, StructField, TextField } from "../schema/field.ts";
import { MAX_BYTES, MAX_NODES } from "../schema/limits.ts";
import { fieldName, joinPath, preferredSpelling, snakeCase, suggestion } from "../schema/names.ts";
import { type Checked, checkFlag, checkText, decodeUtf8, encodingOfBase64 } from "../schema/scalars.ts";
import { SCHEMA } from "../schema/schema.ts";
import type { YamlDocument } from "./document.ts";
import { type Entry, type Layer, NOTHING, type Setting, type SettingValue } from "./setting.ts";
import {
  allDiagnostics,
  binaryContent,
  createReader,
  describe,
  isExhausted,
  isNull,
  type KeyValue,
  keyValues,
  note,
  type Reader,
  report,
  resolve,
  scalarText,
  spend,
} from "./yaml-tree.ts";

interface FieldNode {
  readonly name: string;
  readonly field: Field;
  readonly node: Node | null;
  readonly keyNode: Node;
}

/** Replaces bytes that could not be decoded. */
export const REPLACEMENT = "\ufffd";

/**
 * The settings of a YAML document according to the schema: the field of a scalar decides its type. Invalid parts are
 * left out and reported. The part is a field, an item of a list of strings, an entry of a map, or a whole entry of
 * `write_files` or `wifi`. In a document that was `damaged` by decoding, values with replacement characters are
 * invalid.
 */
export function interpretDocument(
  document: YamlDocument,
  options: { readonly damaged?: boolean } = {},
): Layer {
  const reader = createReader(document, options);
  const root = resolve(document.root, reader);
  if (isNull(root)) return NOTHING;
  const settings = readSection(SCHEMA, root, "", reader);
  if (!isExhausted(reader)) return { settings, diagnostics: allDiagnostics(reader) };
  const { source } = document.placeOf(root);
  const message = `found aliases that expand to more than ${MAX_NODES} values or ${MAX_BYTES / 1024} KiB, expected less`;
  return { settings: [], diagnostics: [{ severity: "error", place: { source }, path: "", message }] };
}

function readSection(struct: StructField, section: Node | null, name: string, reader: Reader): Setting[] {
  return fieldNodes(struct, section, snakeCase(name), reader).flatMap((found) => {
    const { field, node, keyNode } = found;
    const path = name === "" ? found.name : `${name}.${found.name}`;
    if (field.kind === "struct") return readSection(field, node, path, reader);
    if (isNull(resolve(node, reader))) {
      note(reader, "empty", keyNode, snakeCase(path));
      return [];
    }
    const value = readField(field, node, snakeCase(path), reader);
    return value === undefined ? [] : [{ path, value, place: reader.document.placeOf(keyNode) }];
  });
}

/** The fields that a map sets, each once: unknown keys and superfluous spellings are reported. */
function fieldNodes(struct: StructField, node: Node | null, path: string, reader: Reader): FieldNode[] {
  const map = resolve(node, reader);
  if (isNull(map)) return [];
  if (!isMap(map)) {
    report(reader, "error", map, path, `found ${describe(map)}, expected a map`);
    return [];
  }
  const written = new Map<string, KeyValue[]>();
  for (const entry of keyValues(map, path, reader)) {
    const name = fieldName(struct, entry.key);
    if (name === undefined) reportUnknown(struct, entry, path, reader);
    else written.set(name, [...(written.get(name) ?? []), entry]);
  }
  return [...written].flatMap(([name, entries]) => {
    const chosen = chooseSpelling(name, entries, path, reader);
    const field = struct.fields[name];
    if (chosen === undefined || field === undefined) return [];
    return [{ name, field, node: chosen.value, keyNode: chosen.keyNode }];
  });
}

function chooseSpelling(
  name: string,
  all: readonly KeyValue[],
  path: string,
  reader: Reader,
): KeyValue | undefined {
  const own = all.filter(({ merged }) => !merged);
  const entries = own.length > 0 ? own : all;
  const keys = entries.map(({ key }) => key);
  const spelling = preferredSpelling(name, keys);
  for (const { key, keyNode } of entries) {
    if (key === spelling) continue;
    const message = `found "${key}" beside "${spelling}", which means the same: only "${spelling}" counts`;
    report(reader, "warning", keyNode, joinPath(path, key), message);
  }
  return entries.find(({ key }) => key === spelling);
}

function reportUnknown(struct: StructField, entry: KeyValue, path: string, reader: Reader): void {
  const { key, keyNode, value } = entry;
  // an anchored value at the top level is there for aliases
  if (path === "" && value !== null && !isAlias(value) && value.anchor !== undefined) return;
  if (path === "" && isCloudInitKey(key)) {
    note(reader, "foreign", keyNode, key);
    return;
  }
  const message = `unknown key${suggestion(struct, key, path)}`;
  report(reader, "warning", keyNode, joinPath(path, key), message, "unknown-key");
}

function readField(
  field: Exclude<Field, StructField>,
  node: Node | null,
  path: string,
  reader: Reader,
): SettingValue | undefined {
  switch (field.kind) {
    case "text":
    case "flag":
      return readScalar(field, node, path, reader);
    case "list":
      return readList(field, node, path, reader);
    case "map":
      return readMap(field, node, path, reader);
  }
}

function readScalar(field: TextField, node: Node | null, path: string, reader: Reader): string | undefined;
function readScalar(
  field: TextField | FlagField,
  node: Node | null,
  path: string,
  reader: Reader,
): string | boolean | undefined;
function readScalar(field: TextField | FlagField, written: Node | null, path: string, reader: Reader) {
  const fail = (problem: string) => report(reader, "error", written, path, problem);
  const node = resolve(written, reader);
  if (isNull(node) || !isScalar(node)) {
    return fail(`found ${describe(node)}, expected ${field.kind === "flag" ? "true or false" : "text"}`);
  }
  const text = scalarText(node);
  if (text === undefined) return fail("found !!binary that is not base64 of text, expected text");
  if (!spend(reader, text.length)) return undefined;
  if (reader.damaged && text.includes(REPLACEMENT))
    return fail("found bytes that are not UTF-8, expected text");
  const checked: Checked<string | boolean> =
    field.kind === "flag" ? checkFlag(field, text) : checkText(field, text);
  if ("problem" in checked) return fail(checked.problem);
  if (checked.flaw?.kept !== undefined)
    report(reader, checked.flaw.kept, written, path, checked.flaw.message);
  return checked.value;
}

/**
 * A list; a single item counts as a list of it, and the empty string as the empty list. If all items are invalid, there
 * is no setting: an empty list would clear that of the sources below.
 */
function readList(
  field: ListField,
  node: Node | null,
  path: string,
  reader: Reader,
): readonly string[] | readonly Entry[] | undefined {
  const found = resolve(node, reader);
  if (isScalar(found) && scalarText(found) === "") return [];
  const { item } = field;
  if (isMap(found) && item.kind === "text") {
    report(reader, "error", found, path, "found a map, expected a list of strings");
    return undefined;
  }
  const nodes = isSeq(found) ? (found.items as (Node | null)[]) : [node];
  const places = nodes.map((each, at) => [each, isSeq(found) ? joinPath(path, at) : path] as const);
  const items =
    item.kind === "text"
      ? places.flatMap(([each, where]) => readItem(item, each, where, reader) ?? [])
      : places.flatMap(([each, where]) => compact(readEntry(item, each, where, reader)));
  return items.length > 0 || nodes.length === 0 ? items : undefined;
}

function compact<T>(value: T | undefined): T[] {
  return value === undefined ? [] : [value];
}

function readItem(item: TextField, node: Node | null, path: string, reader: Reader): string | undefined {
  if (!isNull(resolve(node, reader))) return readScalar(item, node, path, reader);
  report(reader, "warning", node, path, "found nothing, expected text");
  return undefined;
}

/**
 * An entry of a list or map, such as `write_files`, `wifi` or `mirrors`. An invalid field invalidates the whole entry: an empty file in the place of a
 * good one, or a network without its passphrase, would be worse than none.
 */
function readEntry(
  struct: StructField,
  written: Node | null,
  path: string,
  reader: Reader,
): Entry | undefined {
  const node = resolve(written, reader);
  if (!isMap(node)) {
    report(reader, "error", written, path, `found ${describe(node)}, expected a map`);
    return undefined;
  }
  const before = reader.errors;
  const entry: Record<string, SettingValue> = {};
  let encodedBy: string | undefined;
  for (const { name, field, node: value } of fieldNodes(struct, node, path, reader)) {
    if (isNull(resolve(value, reader))) continue;
    if (field.kind !== "text" && field.kind !== "flag") {
      const found = readPart(field, value, joinPath(path, snakeCase(name)), reader);
      if (found !== undefined) entry[name] = found;
      continue;
    }
    const bytes = field.kind === "text" && field.bytesBy ? binaryContent(resolve(value, reader)) : undefined;
    const isBinary = bytes !== undefined && decodeUtf8(bytes) === undefined;
    if (isBinary && field.kind === "text") encodedBy = field.bytesBy;
    const read = isBinary
      ? bytes.toString("base64")
      : readScalar(field, value, joinPath(path, snakeCase(name)), reader);
    if (read !== undefined) entry[name] = read;
  }
  if (encodedBy !== undefined) {
    const encoding = encodingOfBase64(entry[encodedBy] as string | undefined);
    if (encoding !== undefined) entry[encodedBy] = encoding;
    else report(reader, "error", written, path, "found !!binary that is not text, expected base64 text");
  }
  if (reader.errors === before) requireFields(struct, entry, written, path, reader);
  const flaw = reader.errors === before ? struct.judge?.(entry) : undefined;
  if (flaw !== undefined) {
    report(reader, "error", written, joinPath(path, snakeCase(flaw.name)), flaw.message);
  }
  return reader.errors > before ? undefined : entry;
}

/** A list, map or group of fields within an entry. */
function readPart(
  field: ListField | MapField | StructField,
  node: Node | null,
  path: string,
  reader: Reader,
): SettingValue | undefined {
  return field.kind === "struct"
    ? readEntry(field, node, path, reader)
    : readField(field, node, path, reader);
}

function requireFields(
  struct: StructField,
  entry: Entry,
  node: Node | null,
  path: string,
  reader: Reader,
): void {
  for (const [name, field] of Object.entries(struct.fields)) {
    if (field.kind !== "text" || !field.required || (entry[name] ?? "") !== "") continue;
    report(reader, "error", node, joinPath(path, snakeCase(name)), "found nothing, expected text");
  }
}

function readMap(field: MapField, node: Node | null, path: string, reader: Reader): Entry | undefined {
  const map = resolve(node, reader);
  if (isScalar(map) && scalarText(map) === "") return {};
  if (!isMap(map)) {
    const values = field.value.kind === "text" ? "strings" : field.value.kind === "list" ? "lists" : "maps";
    report(reader, "error", node, path, `found ${describe(map)}, expected a map of ${values}`);
    return undefined;
  }
  const entries = keyValues(map, path, reader).flatMap(
    ({ key, keyNode, value }): [string, SettingValue][] => {
      const where = joinPath(path, key);
      const name = checkText(field.key, key);
      if ("problem" in name) {
        report(reader, "error", keyNode, where, name.problem);
        return [];
      }
      if (name.flaw?.kept !== undefined) report(reader, name.flaw.kept, keyNode, where, name.flaw.message);
      const found = readMapValue(field.value, value, where, reader);
      return found === undefined ? [] : [[name.value, found]];
    },
  );
  if (entries.length === 0 && map.items.length > 0) return undefined;
  return Object.fromEntries(entries);
}

/** The value of a key; a key without one has an empty value. */
function readMapValue(
  field: MapField["value"],
  node: Node | null,
  path: string,
  reader: Reader,
): SettingValue | undefined {
  const isEmpty = isNull(resolve(node, reader));
  if (field.kind !== "text") {
    if (isEmpty) return field.kind === "list" ? [] : {};
    return readPart(field, node, path, reader);
  }
  return isEmpty ? "" : readScalar(field, node, path, reader)?.replace(/[\r\n]+$/, "");
}
