import { readTextBounded } from "../fs/read-bounded.ts";
import { decodeExactBase64 } from "../text/base64.ts";
import { CommandError } from "../text/errors.ts";

/**
 * minisign's public keys (https://jedisct1.github.io/minisign/, section "Public key format"). A file is a line of
 * comment and a line of base64 of this structure:
 *
 *     "Ed"  number 8  point 32
 */
export interface PublicKey {
  /** The key's number in minisign's form: `A31383D6A7BC88EA`. */
  readonly id: string;
  /** The same, 8 bytes. */
  readonly number: Buffer;
  /** The Ed25519 key itself, 32 bytes. */
  readonly point: Buffer;
}

const ALGORITHM = "Ed";
const PUBLIC_LENGTH = 42;
const COMMENT = "untrusted comment: ";
/** The limit for two lines, in bytes. */
const MAX_KEY_FILE = 1 << 14;

/** Base64 of exactly this number of bytes; undefined for any other text. */
export function decodeField(text: string, length: number): Buffer | undefined {
  const bytes = decodeExactBase64(text);
  return bytes?.length === length ? bytes : undefined;
}

/** Reads a public key: the text of a `.pub` file, or its base64 alone. Throws CommandError. */
export function parsePublicKey(text: string): PublicKey {
  const bytes = keyBytes(text, PUBLIC_LENGTH);
  if (bytes?.toString("latin1", 0, 2) !== ALGORITHM) {
    throw notPublic("Not a minisign public key");
  }
  return publicKey(bytes.subarray(2, 10), bytes.subarray(10));
}

/** The public key of an option: the path of a file, or the base64 of the key itself. Throws CommandError. */
export function readPublicKey(source: string): PublicKey {
  if (decodeField(source, PUBLIC_LENGTH) !== undefined) return parsePublicKey(source);
  const text = readKeyText(source);
  if (keyBytes(text, PUBLIC_LENGTH) === undefined)
    throw notPublic(`"${source}" is not a minisign public key`);
  return parsePublicKey(text);
}

/** The base64 of a public key, for files and command lines. */
export function encodePublicKey({ number, point }: PublicKey): string {
  return Buffer.concat([Buffer.from(ALGORITHM), number, point]).toString("base64");
}

/** The text of a public key's file. */
export function publicKeyFile(key: PublicKey): string {
  return `${COMMENT}minisign public key ${key.id}\n${encodePublicKey(key)}\n`;
}

/** The bytes of a key: the second line after a comment, or the only line. */
export function keyBytes(text: string, length: number): Buffer | undefined {
  const lines = text.trim().split(/\r?\n/);
  const commented = lines.length === 2 && lines[0]?.startsWith(COMMENT.trimEnd());
  return lines.length === 1 || commented ? decodeField(lines.at(-1) ?? "", length) : undefined;
}

function publicKey(number: Buffer, point: Buffer): PublicKey {
  return { id: printedId(number), number, point };
}

/** The number of a key, 8 bytes, as minisign prints it: without leading zeros. */
export function printedId(number: Buffer): string {
  return number.readBigUInt64LE().toString(16).toUpperCase();
}

function notPublic(message: string): CommandError {
  return new CommandError(message, {
    hint: "a public key is a .pub file that minisign -G made, or its line that starts with RW",
  });
}

/** The text of a key's file, up to its size limit. Throws CommandError. */
export function readKeyText(file: string): string {
  try {
    return readTextBounded(file, { maxBytes: MAX_KEY_FILE });
  } catch (cause) {
    throw new CommandError(`Cannot read the key "${file}"`, { cause });
  }
}
