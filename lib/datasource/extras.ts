import { at, isObject } from "./json.ts";

/** A file or directory from user data. */
export interface Extra {
  /** A relative path of plain names. */
  readonly path: string;
  readonly mode: number;
  /** undefined: a directory. */
  readonly content: string | undefined;
}

const MAX_DEPTH = 16;
const MAX_ENTRIES = 1000;
const MAX_NAME = 255;

/**
 * The files in user data that has the original's form for several files. It is a JSON object whose entries are
 * `{"perm": "0600", "content": "…"}` or `{"perm": "0755", "entries": {…}}`. Other user data contains none. Invalid
 * entries are left out and reported to `ignored`; directories come before their contents.
 * https://github.com/linuxkit/linuxkit/blob/master/docs/metadata.md
 */
export function extrasOf(userdata: Uint8Array, ignored: (what: string) => void): readonly Extra[] {
  const tree = parseTree(userdata);
  if (tree === undefined) return [];
  const extras: Extra[] = [];
  const walk = (entries: Readonly<Record<string, unknown>>, directory: string, depth: number) => {
    for (const [name, entry] of Object.entries(entries)) {
      const path = directory === "" ? name : `${directory}/${name}`;
      const skip = (why: string) => ignored(`file ${quote(path)}: ${why}`);
      if (extras.length >= MAX_ENTRIES) return skip(`more than ${MAX_ENTRIES} entries`);
      if (!isPlainName(name)) skip("not a plain name");
      else if (depth > MAX_DEPTH) skip(`deeper than ${MAX_DEPTH} directories`);
      else addEntry(path, entry, skip, depth);
    }
  };
  const addEntry = (path: string, entry: unknown, skip: (why: string) => void, depth: number) => {
    const [content, entries] = [at(entry, "content"), at(entry, "entries")];
    const isFile = typeof content === "string";
    if (isFile === isObject(entries)) return skip('expected either "content" or "entries"');
    const mode = modeOf(at(entry, "perm"), isFile ? 0o644 : 0o755);
    if (mode === undefined) return skip('expected permissions such as "0644"');
    if ((mode & ~0o777) !== 0) ignored(`file ${quote(path)}: set-id and sticky bits`);
    extras.push({ path, mode: mode & 0o777, content: isFile ? content : undefined });
    if (isObject(entries)) walk(entries, path, depth + 1);
  };
  walk(tree, "", 1);
  return extras;
}

/**
 * Undefined unless the text is a JSON object of objects that describe files: a configuration in JSON is no such object.
 */
function parseTree(userdata: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  const text = Buffer.from(userdata).toString("utf8");
  if (!/^\s*\{/.test(text)) return undefined;
  let tree: unknown;
  try {
    tree = JSON.parse(text);
  } catch {
    return undefined; // YAML may begin with a brace, too
  }
  if (!isObject(tree) || !Object.values(tree).every(isObject)) return undefined;
  const describesFiles = Object.values(tree).some(
    (entry) => typeof at(entry, "content") === "string" || isObject(at(entry, "entries")),
  );
  return describesFiles ? tree : undefined;
}

function isPlainName(name: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose
  if (name === "" || name === "." || name === ".." || /[/\x00-\x1f\x7f]/.test(name)) return false;
  return Buffer.byteLength(name) <= MAX_NAME;
}

function modeOf(perm: unknown, standard: number): number | undefined {
  if (perm === undefined || perm === "") return standard;
  return typeof perm === "string" && /^[0-7]{1,5}$/.test(perm) ? Number.parseInt(perm, 8) : undefined;
}

function quote(path: string): string {
  return JSON.stringify(path.length > 60 ? `${path.slice(0, 60)}…` : path);
}
