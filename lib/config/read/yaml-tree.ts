import { isMap, isPair, isScalar, isSeq, type Node, type Scalar, type YAMLMap } from "yaml";
import { decodeBase64 } from "../../tools/text/base64.ts";
import { insteadOf } from "../schema/cloud-init-keys.ts";
import { MAX_BYTES, MAX_NODES } from "../schema/limits.ts";
import { isUnsafeKey, joinPath } from "../schema/names.ts";
import { decodeUtf8 } from "../schema/scalars.ts";
import type { Diagnostic, Place } from "./diagnostics.ts";
import type { YamlDocument } from "./document.ts";

/** The state of reading one document: the problems, and the number of values, with aliases expanded. */
export interface Reader {
  readonly document: YamlDocument;
  readonly damaged: boolean;
  readonly diagnostics: Diagnostic[];
  /** Keys that are reported in one line for the whole document. */
  readonly notes: Readonly<Record<Note, NotedKey[]>>;
  /** All errors and warnings, including those beyond {@link MAX_DIAGNOSTICS}. */
  errors: number;
  warnings: number;
  nodes: number;
  characters: number;
}

/** Keys without an effect, and keys of cloud-init that k3OS does not have. */
export type Note = "empty" | "foreign";

interface NotedKey {
  readonly key: string;
  readonly place: Place;
}

/** An invalid source must not fill the console with messages for minutes at boot. */
const MAX_DIAGNOSTICS = 50;

export interface KeyValue {
  readonly key: string;
  readonly keyNode: Node;
  readonly value: Node | null;
  /** Added by a merge key (`<<`): any spelling that is written out takes precedence over it. */
  readonly merged: boolean;
}

/** Longer chains of merge keys are cycles. */
const MAX_MERGES = 32;
const EMPTY = 'found nothing, which changes nothing: expected a value, or "", [] or {} to clear one';
const BINARY = "tag:yaml.org,2002:binary";
const NULL = "tag:yaml.org,2002:null";

/** Counts one more value of so many characters; false when a document's aliases expand to too much. */
export function spend(reader: Reader, characters: number): boolean {
  reader.nodes++;
  reader.characters += characters;
  return !isExhausted(reader);
}

export function isExhausted({ nodes, characters }: Reader): boolean {
  return nodes > MAX_NODES || characters > MAX_BYTES;
}

export function createReader(document: YamlDocument, options: { readonly damaged?: boolean }): Reader {
  const damaged = options.damaged ?? false;
  const notes = { empty: [], foreign: [] };
  return { document, damaged, diagnostics: [], notes, errors: 0, warnings: 0, nodes: 0, characters: 0 };
}

export function report(
  reader: Reader,
  severity: Diagnostic["severity"],
  node: Node | null,
  path: string,
  message: string,
  kind?: Diagnostic["kind"],
): void {
  if (severity === "error") reader.errors++;
  else reader.warnings++;
  if (reader.diagnostics.length >= MAX_DIAGNOSTICS) return;
  const place = reader.document.placeOf(node);
  reader.diagnostics.push({ severity, place, path, message, ...(kind === undefined ? {} : { kind }) });
}

/** Adds a key to the line about all keys of its kind. */
export function note(reader: Reader, kind: Note, node: Node, key: string): void {
  reader.notes[kind].push({ key, place: reader.document.placeOf(node) });
}

/** The reported diagnostics, the number of further ones, and the lines about many keys. */
export function allDiagnostics(reader: Reader): readonly Diagnostic[] {
  const { diagnostics, errors, warnings } = reader;
  const all = [...diagnostics, ...noted(reader)];
  const more = errors + warnings - diagnostics.length;
  if (more === 0) return all;
  const { source } = reader.document.placeOf(null);
  const severity = errors > 0 ? "error" : "warning";
  return [...all, { severity, place: { source }, path: "", message: `found ${more} more problems` }];
}

function noted({ notes }: Reader): Diagnostic[] {
  return (["empty", "foreign"] as const).flatMap((kind): Diagnostic[] => {
    const [first] = notes[kind];
    if (first === undefined) return [];
    const keys = notes[kind].map(({ key }) => key);
    const line = { severity: "warning", place: first.place, path: keys.join(", ") } as const;
    return kind === "empty"
      ? [{ ...line, message: EMPTY }]
      : [
          {
            ...line,
            kind: "unknown-key",
            message: `unknown here, though cloud-init has it; ${insteadOf(keys)}`,
          },
        ];
  });
}

/** A node or the target of its alias; null if there is none. */
export function resolve(node: Node | null, reader: Reader): Node | null {
  return (node !== null && reader.document.aliases.get(node)) || node;
}

/** An empty value or YAML's words for it. */
export function isNull(node: Node | null): node is null {
  if (node === null) return true;
  if (!isScalar(node)) return false;
  if (node.tag === NULL) return true;
  return node.type === "PLAIN" && node.tag === undefined && /^(?:~|null|Null|NULL)?$/.test(node.source ?? "");
}

/** The name in messages for a node of the wrong kind. */
export function describe(node: Node | null): string {
  if (isNull(node)) return "nothing";
  if (isMap(node)) return "a map";
  if (isSeq(node)) return "a list";
  return isScalar(node) ? "a text" : "an alias that is not defined";
}

/** The bytes of a `!!binary` scalar; undefined for other nodes and invalid base64. */
export function binaryContent(node: Node | null): Buffer | undefined {
  return isScalar(node) && node.tag === BINARY ? decodeBase64(node.source ?? "") : undefined;
}

/** A scalar as it is written, whatever its type in YAML; undefined if `!!binary` is not text. */
export function scalarText(node: Scalar): string | undefined {
  if (node.tag !== BINARY) return node.source ?? "";
  const bytes = binaryContent(node);
  return bytes === undefined ? undefined : decodeUtf8(bytes);
}

/**
 * The pairs of a map with merge keys expanded, each key once: own keys take precedence over merged ones, and the last
 * of equal keys counts.
 */
export function keyValues(map: YAMLMap, path: string, reader: Reader, merges = 0): readonly KeyValue[] {
  const found = new Map<string, KeyValue>();
  const bases: Node[] = [];
  for (const pair of map.items) {
    if (!isPair(pair) || !spend(reader, 0)) return [];
    const keyNode = resolve(pair.key as Node | null, reader);
    const value = pair.value as Node | null;
    if (!isScalar(keyNode)) {
      report(reader, "error", keyNode ?? map, path, `found ${describe(keyNode)} as a key, expected text`);
    } else if (keyNode.source === "<<" && keyNode.type === "PLAIN") {
      bases.push(...mergeBases(value, joinPath(path, "<<"), reader));
    } else {
      addKey(found, { key: keyNode.source ?? "", keyNode, value, merged: false }, path, reader);
    }
  }
  for (const base of merges < MAX_MERGES ? bases : []) {
    if (!isMap(base)) continue;
    for (const entry of keyValues(base, path, reader, merges + 1)) {
      if (!found.has(entry.key)) found.set(entry.key, { ...entry, merged: true });
    }
  }
  return [...found.values()];
}

/** The value of a merge key: a map, or a list of maps in which the first has priority. */
function mergeBases(value: Node | null, path: string, reader: Reader): Node[] {
  const base = resolve(value, reader);
  const bases = isSeq(base) ? base.items.map((item) => resolve(item as Node | null, reader)) : [base];
  return bases.flatMap((node) => {
    if (isMap(node)) return [node];
    if (!isNull(node))
      report(reader, "error", node, path, `found ${describe(node)}, expected a map to merge`);
    return [];
  });
}

function addKey(found: Map<string, KeyValue>, entry: KeyValue, path: string, reader: Reader): void {
  const { key, keyNode } = entry;
  const where = joinPath(path, key);
  if (isUnsafeKey(key)) {
    report(reader, "warning", keyNode, where, `found the key "${key}", which is never used: it is ignored`);
    return;
  }
  if (found.has(key)) report(reader, "warning", keyNode, where, "found the key again: the last one counts");
  found.set(key, entry);
}
