import { decodeExactBase64 } from "../text/base64.ts";
import { CommandError } from "../text/errors.ts";

/** The source of keys: an entry of `ssh_authorized_keys`. */
export type KeySource =
  | {
      readonly kind: "literal";
      readonly lines: readonly string[];
      /** The errors of further lines that are not keys. */
      readonly flaws: readonly string[];
    }
  | { readonly kind: "url"; readonly name: string; readonly url: string };

/** The URLs of sites that publish their users' keys. */
const ACCOUNTS: Readonly<Record<string, (user: string) => string>> = {
  github: (user) => `https://github.com/${user}.keys`,
  gitlab: (user) => `https://gitlab.com/${user}.keys`,
  codeberg: (user) => `https://codeberg.org/${user}.keys`,
  launchpad: (user) => `https://launchpad.net/~${user}/+sshkeys`,
};

/**
 * The meaning of an entry: `github:USER` and the like, an http(s) URL, or keys, one per line. Throws CommandError for
 * any other text, or if no line is a key.
 */
export function keySource(entry: string): KeySource {
  const text = entry.trim();
  const [, scheme, rest = ""] = /^([a-z][a-z0-9+.-]*):(\S*)$/i.exec(text) ?? [];
  if (scheme === undefined) return literalSource(text);
  const site = scheme.toLowerCase();
  const keysOf = Object.hasOwn(ACCOUNTS, site) ? ACCOUNTS[site] : undefined;
  if (keysOf !== undefined) {
    if (!/^[\w.+-]+$/.test(rest))
      throw new CommandError(`found the user ${JSON.stringify(rest)}, expected a name, as in ${site}:NAME`);
    return { kind: "url", name: text, url: keysOf(rest) };
  }
  if (/^https?$/i.test(scheme)) {
    if (URL.canParse(text)) return { kind: "url", name: text, url: text };
    throw new CommandError("found no URL, expected one such as https://example.com/keys");
  }
  const wanted = `${Object.keys(ACCOUNTS).join(", ")}, http or https`;
  throw new CommandError(`found the scheme "${scheme}", expected ${wanted}`);
}

function literalSource(text: string): KeySource {
  if (text.includes("PRIVATE KEY-----")) {
    throw new CommandError(
      "found a private key, expected the public one, which is in the file that ends in .pub",
    );
  }
  const { keys, flaws } = readKeys(text);
  const [flaw] = flaws;
  if (keys.length === 0 && flaw !== undefined) throw new CommandError(flaw);
  return { kind: "literal", lines: keys, flaws };
}

/** The keys of a text, one per line, and the errors of lines that are neither key, comment nor empty. */
export function readKeys(text: string): { keys: string[]; flaws: string[] } {
  const keys: string[] = [];
  const flaws: string[] = [];
  for (const line of text.split("\n").map((each) => each.trim())) {
    if (line === "" || line.startsWith("#")) continue;
    const flaw = keyFlaw(line);
    if (flaw === undefined) keys.push(line);
    else flaws.push(flaw);
  }
  return { keys, flaws };
}

/** Whether a line is a key as sshd reads it: https://man.openbsd.org/sshd#AUTHORIZED_KEYS_FILE_FORMAT */
export function isKey(line: string): boolean {
  return keyFlaw(line) === undefined;
}

/**
 * The types of keys, with the number of fields that a key of each has in its base64, the name of the type included
 * (RFC 4253, 6.6; RFC 5656, 3.1; RFC 8709, 4; https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.u2f).
 */
const TYPES: Readonly<Record<string, number>> = {
  "ssh-ed25519": 2,
  "ssh-rsa": 3,
  "ecdsa-sha2-nistp256": 3,
  "ecdsa-sha2-nistp384": 3,
  "ecdsa-sha2-nistp521": 3,
  "sk-ssh-ed25519@openssh.com": 3,
  "sk-ecdsa-sha2-nistp256@openssh.com": 4,
};
/** sshd refuses shorter RSA keys: https://man.openbsd.org/sshd_config#RequiredRSASize */
const RSA_BITS = 1024;
const TYPE = /^(?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+$/;

/**
 * Why a line is not a key for sshd(8): it expects optional options, a type, base64 of a key of that type, and a
 * comment. Undefined for a key. The result never repeats the line.
 */
export function keyFlaw(line: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it searches for them
  if (/[\x00-\x08\x0a-\x1f\x7f]/.test(line)) return "found a control character in an ssh public key";
  const words = line.split(/[ \t]+/);
  const begin = TYPE.test(words[0] ?? "") ? line : withoutOptions(line);
  const [type = "", base64 = ""] = begin?.split(/[ \t]+/) ?? [];
  if (begin === undefined || !TYPE.test(type)) {
    // only options can precede a key
    return words.some((word) => TYPE.test(word))
      ? "found no options of sshd(8) before an ssh public key"
      : 'found no ssh public key, expected one such as "ssh-ed25519 AAAA… name"';
  }
  const fields = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
  if (fields === undefined) return `found an SSH key of the type "${type}", which sshd does not accept`;
  const bytes = decodeExactBase64(base64);
  const parts = bytes && split(bytes);
  if (parts?.[0]?.toString("latin1") !== type || parts.length !== fields) {
    return `found an SSH key whose base64 is not a key of type "${type}": it is truncated or damaged`;
  }
  return type === "ssh-rsa" ? rsaFlaw(parts) : undefined;
}

function rsaFlaw([, , modulus]: readonly Buffer[]): string | undefined {
  const bits = 8 * (modulus?.filter((byte, at) => at > 0 || byte !== 0).length ?? 0);
  return bits >= RSA_BITS ? undefined : `found an RSA key of ${bits} bits, expected at least ${RSA_BITS}`;
}

/**
 * The fields of a key, each preceded by its length in four bytes (RFC 4251, 5); undefined if the last one is truncated.
 */
function split(key: Buffer): readonly Buffer[] | undefined {
  const parts: Buffer[] = [];
  for (let at = 0; at < key.length; ) {
    const end = at + 4 > key.length ? Number.POSITIVE_INFINITY : at + 4 + key.readUInt32BE(at);
    if (end > key.length) return undefined;
    parts.push(key.subarray(at + 4, end));
    at = end;
  }
  return parts;
}

/** Options before a key (AUTHORIZED_KEYS FILE FORMAT in sshd(8)). */
const OPTION = [
  "(?:no-)?(?:agent-forwarding|port-forwarding|pty|user-rc|x11-forwarding)",
  "cert-authority|restrict|verify-required|no-touch-required",
  '(?:command|environment|expiry-time|from|permitlisten|permitopen|principals|tunnel)="(?:\\\\"|[^"])*"',
].join("|");
const OPTIONS = new RegExp(`^(?:${OPTION})(?:,(?:${OPTION}))*[ \\t]+`, "i");

/** A line without the options before its key; undefined if it does not begin with options. */
function withoutOptions(line: string): string | undefined {
  const [options] = OPTIONS.exec(line) ?? [];
  return options === undefined ? undefined : line.slice(options.length);
}
