import { CommandError } from "../errors.ts";
import { readKeys } from "../ssh-keys.ts";

/** Where keys come from: an entry of `ssh_authorized_keys`. */
export type KeySource =
  | { readonly kind: "literal"; readonly lines: readonly string[] }
  | { readonly kind: "url"; readonly name: string; readonly url: string };

/** Where the sites that publish their users' keys have them. */
const ACCOUNTS: Readonly<Record<string, (user: string) => string>> = {
  github: (user) => `https://github.com/${user}.keys`,
  gitlab: (user) => `https://gitlab.com/${user}.keys`,
  codeberg: (user) => `https://codeberg.org/${user}.keys`,
  launchpad: (user) => `https://launchpad.net/~${user}/+sshkeys`,
};

/** What an entry means: `github:USER` and the like, an http(s) URL, or the keys themselves, one a line. */
export function keySource(entry: string): KeySource {
  const text = entry.trim();
  const [, scheme, rest = ""] = /^([a-z][a-z0-9+.-]*):(\S*)$/i.exec(text) ?? [];
  if (scheme === undefined) return { kind: "literal", lines: literalLines(text) };
  const site = scheme.toLowerCase();
  const keysOf = Object.hasOwn(ACCOUNTS, site) ? ACCOUNTS[site] : undefined;
  if (keysOf !== undefined) {
    if (!/^[\w.+-]+$/.test(rest))
      throw new CommandError(`found the user ${JSON.stringify(rest)} in "${scheme}:"`);
    return { kind: "url", name: text, url: keysOf(rest) };
  }
  if (/^https?$/i.test(scheme)) return { kind: "url", name: text, url: text };
  const wanted = `${Object.keys(ACCOUNTS).join(", ")}, http or https`;
  throw new CommandError(`found the scheme "${scheme}", wanted ${wanted}`);
}

function literalLines(text: string): string[] {
  const { keys, rejected } = readKeys(text);
  if (rejected > 0)
    throw new CommandError('found no ssh public key, wanted one such as "ssh-ed25519 AAAA… name"');
  return keys;
}

const BEGIN = "# BEGIN k3OS: from the configuration, written anew when it is applied";
const END = "# END k3OS";
const FROM = "# from ";

/** An authorized_keys file taken apart: our block by source, and the lines of others around it. */
export interface KeyFile {
  readonly before: readonly string[];
  readonly managed: ReadonlyMap<string, readonly string[]>;
  readonly after: readonly string[];
}

/** Name in the block of the keys that stand in the configuration itself. */
export const LITERAL = "the configuration";

export function parseKeyFile(text: string): KeyFile {
  const lines = text.split("\n");
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
 * The text of the file. A key that also stands outside of the block is not repeated in it; one that two sources give is
 * listed under both, since it must stay when one of them drops it.
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
