import { createPublicKey, randomBytes, scryptSync } from "node:crypto";
import { blake2b } from "@noble/hashes/blake2.js";
import { readTextBounded } from "../fs/read-bounded.ts";
import type { Host } from "../host/host.ts";
import { decodeExactBase64 } from "../text/base64.ts";
import { CommandError, during } from "../text/errors.ts";
import { privateKeyObject } from "./signature-ed25519.ts";

/**
 * minisign's keys (https://jedisct1.github.io/minisign/, section "Public key format", and src/minisign.h for the secret
 * ones). A file is a line of comment and a line of base64 of these structures:
 *
 *     public    "Ed"  number 8  point 32
 *     secret    "Ed"  kdf 2  "B2"  salt 32  operations 8  memory 8  number 8  seed 32  point 32  checksum 32
 *
 * The four fields at the end of a secret key are xored with a stream made from the password where kdf is "Sc".
 */
export interface PublicKey {
  /** The key's number as minisign prints it: `A31383D6A7BC88EA`. */
  readonly id: string;
  /** The same, 8 bytes. */
  readonly number: Buffer;
  /** The Ed25519 key itself, 32 bytes. */
  readonly point: Buffer;
}

/** A secret key, decrypted. */
export interface SecretKey {
  readonly publicKey: PublicKey;
  /** 32 bytes of which Ed25519 makes everything else (RFC 8032, 5.1.5). */
  readonly seed: Buffer;
}

/** Environment variable that holds the password of an encrypted secret key. */
export const PASSWORD_VARIABLE = "K3OS_SIGN_PASSWORD";

const ALGORITHM = "Ed";
const CHECKSUM = "B2";
const KDF = { none: "\0\0", scrypt: "Sc" } as const;
const PUBLIC_LENGTH = 42;
const SECRET_LENGTH = 158;
/** Where the part of a secret key begins that the password protects. */
const PROTECTED = 54;
const COMMENT = "untrusted comment: ";
/** Two lines. */
const MAX_KEY_FILE = 1 << 14;
const MEBIBYTE = 1 << 20;
/** minisign's own keys ask for 1024 MiB. */
const MAX_MEMORY = 2048 * MEBIBYTE;

/** Base64 of exactly so many bytes; undefined for anything else. */
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

/** The public key that an option means: the path of a file, or the base64 of the key itself. Throws CommandError. */
export function readPublicKey(source: string): PublicKey {
  if (decodeField(source, PUBLIC_LENGTH) !== undefined) return parsePublicKey(source);
  const text = readText(source);
  if (keyBytes(text, PUBLIC_LENGTH) === undefined)
    throw notPublic(`"${source}" is not a minisign public key`);
  return parsePublicKey(text);
}

/** The base64 of a public key, as it stands in files and on command lines. */
export function encodePublicKey({ number, point }: PublicKey): string {
  return Buffer.concat([Buffer.from(ALGORITHM), number, point]).toString("base64");
}

/** The text of a public key's file. */
export function publicKeyFile(key: PublicKey): string {
  return `${COMMENT}minisign public key ${key.id}\n${encodePublicKey(key)}\n`;
}

/** A new secret key. */
export function makeSecretKey(): SecretKey {
  return secretKey(randomBytes(8), randomBytes(32));
}

/** The text of an unencrypted secret key's file, as `minisign -G -W` writes it. */
export function secretKeyFile({ publicKey: { number, point }, seed }: SecretKey): string {
  const head = Buffer.alloc(PROTECTED);
  head.write(ALGORITHM + KDF.none + CHECKSUM, "latin1");
  const bytes = Buffer.concat([head, number, seed, point, checksum(Buffer.concat([number, seed, point]))]);
  return `${COMMENT}minisign secret key\n${bytes.toString("base64")}\n`;
}

/** Reads a secret key's file. The password comes from the environment, or is asked for. Throws CommandError. */
export async function readSecretKey(file: string, host: Pick<Host, "env">): Promise<SecretKey> {
  const text = readText(file);
  return await during(`Opening the secret key "${file}"`, () =>
    openSecretKey(text, async () => host.env[PASSWORD_VARIABLE] ?? (await askedPassword(file))),
  );
}

/**
 * Decrypts the text of a secret key's file; `password` is only called where it is encrypted. Throws CommandError, also
 * when the password is wrong. minisign's own keys take 1 GiB of memory and some seconds.
 */
export async function openSecretKey(text: string, password: () => Promise<string>): Promise<SecretKey> {
  const bytes = keyBytes(text, SECRET_LENGTH);
  const kdf = bytes?.toString("latin1", 2, 4);
  const known = kdf === KDF.none || kdf === KDF.scrypt;
  if (
    bytes?.toString("latin1", 0, 2) !== ALGORITHM ||
    bytes.toString("latin1", 4, 6) !== CHECKSUM ||
    !known
  ) {
    throw new CommandError("Not a minisign secret key", { hint: "create one with minisign -G" });
  }
  const encrypted = kdf === KDF.scrypt;
  const content = bytes.subarray(PROTECTED);
  if (encrypted) xor(content, keyStream(bytes, await password(), content.length));
  const [number, seed, sum] = [content.subarray(0, 8), content.subarray(8, 40), content.subarray(72)];
  // minisign 0.11 leaves the checksum of a key that it does not encrypt empty
  const right =
    sum.equals(checksum(content.subarray(0, 72))) || (!encrypted && sum.every((byte) => byte === 0));
  const key = secretKey(number, seed);
  if (right && key.publicKey.point.equals(content.subarray(40, 72))) return key;
  throw encrypted
    ? new CommandError("The password is wrong", {
        hint: `check ${PASSWORD_VARIABLE}, or unset it for a prompt`,
      })
    : new CommandError("The key is damaged: its checksum does not match");
}

/**
 * The parameters of scrypt that libsodium makes of its two limits (crypto_pwhash_scryptsalsa208sha256.c, pickparams):
 * the memory in bytes, and the operations. Throws CommandError if the limits allow nothing.
 */
export function scryptParameters(operations: number, memory: number): { N: number; r: number; p: number } {
  const r = 8;
  const allowed = Math.max(operations, 32768);
  const tight = allowed < memory / 32;
  const N = powerOfTwo(tight ? allowed / (4 * r) : memory / (128 * r));
  const p = tight ? 1 : Math.floor(Math.min(Math.floor(allowed / 4 / N), 0x3fffffff) / r);
  if (p < 1) throw new CommandError("The key asks for impossible limits of scrypt");
  return { N, r, p };
}

/** The least power of two, from 2, above half of `limit`. */
function powerOfTwo(limit: number): number {
  let power = 2;
  while (power <= Math.floor(Math.floor(limit) / 2)) power *= 2;
  return power;
}

function keyStream(bytes: Buffer, password: string, length: number): Buffer {
  const memory = Number(bytes.readBigUInt64LE(46));
  if (memory > MAX_MEMORY) {
    throw new CommandError(
      `The key requires ${Math.ceil(memory / MEBIBYTE)} MiB of memory, which is too much`,
    );
  }
  const parameters = scryptParameters(Number(bytes.readBigUInt64LE(38)), memory);
  const { N, r, p } = parameters;
  const maxmem = 128 * r * (N + p + 2); // what OpenSSL counts, which is a little more than the table
  try {
    return scryptSync(password, bytes.subarray(6, 38), length, { ...parameters, maxmem });
  } catch (cause) {
    throw new CommandError(`Cannot derive a key from the password, which takes ${maxmem} bytes of memory`, {
      cause,
    });
  }
}

async function askedPassword(file: string): Promise<string> {
  const { canAsk, openTerminal } = await import("../terminal/prompt.ts");
  if (canAsk()) {
    using terminal = openTerminal();
    return await terminal.secret(`Password of "${file}"`, () => undefined);
  }
  throw new CommandError("It is encrypted, and there is no terminal to prompt for its password", {
    hint: `set the password in ${PASSWORD_VARIABLE}`,
  });
}

/** The bytes of a key: the second line after a comment, or the only line. */
function keyBytes(text: string, length: number): Buffer | undefined {
  const lines = text.trim().split(/\r?\n/);
  const commented = lines.length === 2 && lines[0]?.startsWith(COMMENT.trimEnd());
  return lines.length === 1 || commented ? decodeField(lines.at(-1) ?? "", length) : undefined;
}

function publicKey(number: Buffer, point: Buffer): PublicKey {
  // no leading zeros: minisign prints a 64-bit number
  return { id: number.readBigUInt64LE().toString(16).toUpperCase(), number, point };
}

function secretKey(number: Buffer, seed: Buffer): SecretKey {
  const spki = createPublicKey(privateKeyObject(seed)).export({ format: "der", type: "spki" });
  return { publicKey: publicKey(number, spki.subarray(-32)), seed };
}

/** Of number, seed and point: BLAKE2b of 32 bytes, which node:crypto does not have. */
function checksum(key: Buffer): Buffer {
  return Buffer.from(blake2b(Buffer.concat([Buffer.from(ALGORITHM), key]), { dkLen: 32 }));
}

function xor(bytes: Buffer, stream: Buffer): void {
  for (const [i, byte] of stream.entries()) bytes[i] = (bytes[i] ?? 0) ^ byte;
}

function notPublic(message: string): CommandError {
  return new CommandError(message, {
    hint: "a public key is a .pub file that minisign -G made, or its line that starts with RW",
  });
}

function readText(file: string): string {
  try {
    return readTextBounded(file, { maxBytes: MAX_KEY_FILE });
  } catch (cause) {
    throw new CommandError(`Cannot read the key "${file}"`, { cause });
  }
}
