import { createPublicKey, type KeyObject } from "node:crypto";

/** The prefix of a 32-byte key in its DER structure (RFC 8410): node:crypto does not accept bare keys. */
const SPKI = Buffer.from("302a300506032b6570032100", "hex");

/** An Ed25519 public key of 32 bytes, for node:crypto. */
export function publicKeyObject(point: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI, point]), format: "der", type: "spki" });
}
