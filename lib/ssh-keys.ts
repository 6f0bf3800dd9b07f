import { CommandError } from "./errors.ts";
import type { Host } from "./host.ts";
import { type FetchOptions, fetchText } from "./http.ts";

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

/**
 * The keys that a URL holds, and how many of its lines are none; no key at all is fine if there is no other line either.
 * `name` stands for it in messages. Throws HttpError, or CommandError where it holds something else.
 */
export async function fetchKeys(
  { name, url }: { readonly name: string; readonly url: string },
  limits: FetchOptions,
  host: Pick<Host, "log" | "clock" | "env">,
): Promise<{ keys: string[]; rejected: number }> {
  const found = readKeys(await fetchText(url, limits, host));
  if (found.rejected === 0 || found.keys.length > 0) return found;
  throw new CommandError(`"${name}" holds no ssh public key`);
}

/** The keys in a text, one a line, and how many lines are neither key, comment nor blank. */
export function readKeys(text: string): { keys: string[]; rejected: number } {
  const lines = text.split("\n").map((line) => line.trim());
  const content = lines.filter((line) => line !== "" && !line.startsWith("#"));
  const keys = content.filter(isKey);
  return { keys, rejected: content.length - keys.length };
}

/**
 * Whether a line is a key as sshd(8) reads it: options perhaps, a type, and base64 that begins with the name of the same
 * type (RFC 4253, 6.6). No control character may be in it.
 */
export function isKey(line: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\x00-\x08\x0a-\x1f\x7f]/.test(line)) return false;
  const match =
    /(?:^|[ \t])((?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+)[ \t]+([A-Za-z0-9+/]+={0,2})(?:[ \t]|$)/.exec(
      line,
    );
  const [, type = "", base64 = ""] = match ?? [];
  const blob = Buffer.from(base64, "base64");
  return blob.length >= 4 && blob.toString("latin1", 4, 4 + blob.readUInt32BE(0)) === type;
}
