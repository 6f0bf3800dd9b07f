const BEGIN = "# BEGIN k3OS: from the configuration, written anew when it is applied";
const END = "# END k3OS";
const FROM = "# from ";

/** A parsed authorized_keys file: our block by source, and the other lines around it. */
export interface KeyFile {
  readonly before: readonly string[];
  readonly managed: ReadonlyMap<string, readonly string[]>;
  readonly after: readonly string[];
}

/** Name in the block of the keys from the configuration itself. */
export const LITERAL = "the configuration";

/** Parses a file; ignores lines with NUL characters, which a power cut may leave. */
export function parseKeyFile(text: string): KeyFile {
  const lines = text.split("\n").filter((line) => !line.includes("\0"));
  if (lines.at(-1) === "") lines.pop();
  const begin = lines.indexOf(BEGIN);
  const end = lines.indexOf(END, begin);
  if (begin < 0 || end < 0) return { before: lines, managed: new Map(), after: [] };
  const managed = new Map<string, string[]>();
  let source = LITERAL;
  for (const line of lines.slice(begin + 1, end)) {
    if (line.startsWith(FROM)) source = line.slice(FROM.length);
    else managed.set(source, [...(managed.get(source) ?? []), line]);
  }
  return { before: lines.slice(0, begin), managed, after: lines.slice(end + 1) };
}

/**
 * The text of the file. Our block does not repeat keys from outside it. A key of two sources is listed under both,
 * since it must stay when one of them drops it.
 */
export function formatKeyFile({ before, managed, after }: KeyFile): string {
  const others = new Set([...before, ...after].map((line) => line.trim()));
  const block = [...managed].flatMap(([source, keys]) => {
    return [`${FROM}${source}`, ...new Set(keys.filter((key) => !others.has(key)))];
  });
  const middle = managed.size === 0 ? [] : [BEGIN, ...block, END];
  const lines = [...before, ...middle, ...after];
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}
