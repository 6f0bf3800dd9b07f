import { createHash, verify } from "node:crypto";
import { CommandError } from "../text/errors.ts";
import { publicKeyObject } from "./signature-ed25519.ts";
import { decodeField, type PublicKey, printedId } from "./signature-keys.ts";

/**
 * A signature file of minisign (https://jedisct1.github.io/minisign/, section "Signature format"):
 *
 *     untrusted comment: …
 *     base64 of "ED", the number of the key, Ed25519 of the content's BLAKE2b-512
 *     trusted comment: …
 *     base64 of Ed25519 of the signature above and the trusted comment
 */
export interface Signature {
  /** Number of the key, 8 bytes. */
  readonly number: Buffer;
  readonly signature: Buffer;
  readonly trustedComment: string;
  /** Signs the signature and the trusted comment. */
  readonly commentSignature: Buffer;
}

const UNTRUSTED = "untrusted comment: ";
const TRUSTED = "trusted comment: ";
const PREHASHED = "ED";
const LEGACY = "Ed";

/**
 * Reads a signature file; it may have CRLF line ends, and no line end after the last line. It verifies nothing.
 * Throws CommandError for a legacy signature, which needs the whole content in memory, and for any other text.
 */
export function parseSignature(text: string): Signature {
  const [untrusted, first = "", trusted, second = "", ...rest] = text.replace(/\r?\n$/, "").split(/\r?\n/);
  const bytes = decodeField(first, 74);
  const commentSignature = decodeField(second, 64);
  const whole = untrusted?.startsWith(UNTRUSTED) && trusted?.startsWith(TRUSTED) && rest.length === 0;
  const trustedComment = trusted?.slice(TRUSTED.length) ?? "";
  const algorithm = bytes?.toString("latin1", 0, 2);
  const known = algorithm === PREHASHED || algorithm === LEGACY;
  if (!whole || !bytes || !commentSignature || !known || hasControls(trustedComment)) {
    throw new CommandError("The signature is malformed: expected the four lines of a minisign signature");
  }
  if (algorithm === LEGACY) {
    throw new CommandError("The signature is of minisign's legacy kind, which is not accepted", {
      hint: "sign again with minisign 0.10 or newer without -l, or with an older one and -H",
    });
  }
  return { number: bytes.subarray(2, 10), signature: bytes.subarray(10), trustedComment, commentSignature };
}

/**
 * Verifies that one of `keys` signed the content and the trusted comment; returns that comment. Throws CommandError
 * with the part that is wrong.
 */
export function verifySignature(content: Uint8Array, signature: string, keys: readonly PublicKey[]): string {
  const { number, signature: own, trustedComment, commentSignature } = parseSignature(signature);
  const candidates = keys
    .filter((key) => key.number.equals(number))
    .map(({ point }) => publicKeyObject(point));
  if (candidates.length === 0) {
    throw new CommandError(`Signed by the unknown key ${printedId(number)}: expected ${listed(keys)}`);
  }
  const digest = contentDigest(content);
  const key = candidates.find((candidate) => verify(null, digest, candidate, own));
  if (key === undefined) {
    throw new CommandError(
      "The content does not match the signature: it was changed, or the signature belongs to another file",
    );
  }
  if (!verify(null, signedComment(own, trustedComment), key, commentSignature)) {
    throw new CommandError(`The trusted comment of the signature was changed: "${trustedComment}"`);
  }
  return trustedComment;
}

/** Bun supports this algorithm, but getHashes() does not list it; a test compares it with its specification. */
function contentDigest(content: Uint8Array): Buffer {
  return createHash("blake2b512").update(content).digest();
}

function signedComment(signature: Buffer, comment: string): Buffer {
  return Buffer.concat([signature, Buffer.from(comment)]);
}

/** Whether a text contains control characters other than tabs, which a terminal would execute. */
function hasControls(text: string): boolean {
  return /(?!\t)\p{Cc}/u.test(text);
}

function listed(keys: readonly PublicKey[]): string {
  return keys.length === 0 ? "none" : keys.map(({ id }) => id).join(", ");
}
