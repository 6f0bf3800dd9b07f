import { createHash } from "node:crypto";

/** Lengths in bytes of the fields of a key, behind the name of its type. */
const FIELDS: Readonly<Record<string, readonly number[]>> = {
  "ssh-ed25519": [32],
  "ssh-rsa": [3, 256],
  "ecdsa-sha2-nistp256": [8, 65],
  "ecdsa-sha2-nistp384": [8, 97],
  "ecdsa-sha2-nistp521": [8, 133],
  "sk-ssh-ed25519@openssh.com": [32, 4],
  "sk-ecdsa-sha2-nistp256@openssh.com": [8, 65, 4],
};

/** A well-formed public key of a type; its bytes mean nothing, but are others for each name. */
export function makeKey(type: string, name: string, lengths = FIELDS[type] ?? [32]): string {
  const fields = lengths.map((length, at) => {
    const block = createHash("sha512").update(`${name} ${at}`).digest();
    return Buffer.alloc(length, block).fill(1, 0, 1); // no number begins with zeros
  });
  const parts = [Buffer.from(type), ...fields].map((part) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(part.length);
    return Buffer.concat([length, part]);
  });
  return `${type} ${Buffer.concat(parts).toString("base64")} ${name}`;
}
