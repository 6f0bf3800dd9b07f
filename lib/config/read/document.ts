import {
  isAlias,
  isCollection,
  isPair,
  Lexer,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLParseError,
} from "yaml";
import { MAX_BYTES, MAX_DEPTH, MAX_NODES } from "../schema/limits.ts";
import type { Diagnostic, Place } from "./diagnostics.ts";

/**
 * Maximum number of lexical tokens: about six make a node, and a tree of many more would exhaust a machine of 1 GiB.
 */
const MAX_TOKENS = 6 * MAX_NODES;
/** A text with fewer characters cannot contain too many tokens. */
const SMALL = 16 * 1024;
const MAX_ERRORS = 5;

/** A YAML document as a tree that keeps the source text of scalars and their positions. */
export interface YamlDocument {
  readonly root: Node | null;
  /** The targets of aliases. */
  readonly aliases: ReadonlyMap<Node, Node>;
  /** Position of a node; without a node, of the document. */
  placeOf(node: Node | null): Place;
}

export interface ParsedDocument {
  /** Absent if the text cannot be used at all. */
  readonly document?: YamlDocument;
  readonly diagnostics: readonly Diagnostic[];
}

/** Parses the first document of a YAML (or JSON) text. Never throws; refuses texts beyond the limits above. */
export function parseYaml(text: string, source: string): ParsedDocument {
  const refuse = (message: string) => ({ diagnostics: [problem("error", { source }, message)] });
  if (text.length > MAX_BYTES)
    return refuse(`found ${text.length} characters, expected at most ${MAX_BYTES}`);
  if (text.length > SMALL && !hasFewTokens(text)) return refuse(tooComplex());
  try {
    return composeDocument(text, source);
  } catch (error) {
    // too deep nesting for the stack; the parser collects its own errors and does not throw
    if (error instanceof RangeError) return refuse(tooDeep());
    throw error;
  }
}

function composeDocument(text: string, source: string): ParsedDocument {
  const lines = new LineCounter();
  // "failsafe" keeps every scalar as text: the schema's field decides its meaning. The reader checks for duplicate
  // keys.
  const document = parseDocument(text, {
    schema: "failsafe",
    version: "1.1",
    uniqueKeys: false,
    prettyErrors: false,
    lineCounter: lines,
    logLevel: "error",
  });
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { source, line, column: col };
  };
  const errors = document.errors.filter(({ code }) => code !== "MULTIPLE_DOCS").slice(0, MAX_ERRORS);
  if (errors.length > 0) {
    const report = ({ message, pos }: YAMLParseError) =>
      problem("error", place(pos[0]), `${printable(message)}: expected YAML`);
    return { diagnostics: errors.map(report) };
  }
  const diagnostics = document.errors.map(({ pos }) =>
    problem("warning", place(pos[0]), "found another document, which is ignored: expected one per source"),
  );
  const tree = measureTree(document.contents);
  if (typeof tree === "string") return { diagnostics: [problem("error", { source }, tree)] };
  const placeOf = (node: Node | null) => place(node?.range?.[0] ?? 0);
  return { document: { root: document.contents, aliases: tree, placeOf }, diagnostics };
}

/** A message of the parser, which may quote the text, made safe for a console. */
function printable(message: string): string {
  const line = message.replace(/[^ -~]+/g, "?").replace(/\.?\s*$/, "");
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}

function hasFewTokens(text: string): boolean {
  let count = 0;
  let flowDepth = 0;
  for (const token of new Lexer().lex(text)) {
    if (token === "[" || token === "{") flowDepth++;
    else if (token === "]" || token === "}") flowDepth--;
    if (++count > MAX_TOKENS || flowDepth > MAX_DEPTH) return false;
  }
  return true;
}

/**
 * The targets of all aliases of a tree, or why the tree is refused. Walks the document once, in order and without
 * recursion: the tree may be hostile, and the parser's own resolution of an alias walks the whole document each time.
 */
function measureTree(root: Node | null): ReadonlyMap<Node, Node> | string {
  const anchors = new Map<string, Node>();
  const aliases = new Map<Node, Node>();
  const stack: [node: unknown, depth: number][] = [[root, 0]];
  for (let count = 0; ; count++) {
    const next = stack.pop();
    if (next === undefined) return aliases;
    const [node, depth] = next;
    if (count > MAX_NODES) return tooComplex();
    if (depth > MAX_DEPTH) return tooDeep();
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      if (target !== undefined) aliases.set(node, target);
    } else if (isPair(node)) {
      stack.push([node.value, depth], [node.key, depth]);
    } else {
      const anchored = node as Node & { anchor?: string };
      if (anchored?.anchor !== undefined) anchors.set(anchored.anchor, anchored);
      if (isCollection(node)) for (const item of node.items.toReversed()) stack.push([item, depth + 1]);
    }
  }
}

function tooDeep(): string {
  return `found more than ${MAX_DEPTH} levels of nesting, expected fewer`;
}

function tooComplex(): string {
  return `found more than ${MAX_NODES} values or ${MAX_DEPTH} levels, expected fewer`;
}

function problem(severity: Diagnostic["severity"], place: Place, message: string): Diagnostic {
  return { severity, place, path: "", message };
}
