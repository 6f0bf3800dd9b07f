import { createHash, createPrivateKey, createPublicKey, randomBytes, sign } from "node:crypto";
import { runProgram } from "../../lib/tools/host/host.ts";
import { listComment, type SignedIdentity } from "../../lib/tools/release/release-list.ts";
import { type PublicKey, parsePublicKey } from "../../lib/tools/release/signature-keys.ts";

/** A secret key as tests have it, which sign faster than minisign starts. */
export interface SecretKey {
  readonly publicKey: PublicKey;
  /** 32 bytes of which Ed25519 makes everything else (RFC 8032, 5.1.5). */
  readonly seed: Buffer;
}

/** A key that minisign's format encrypts with {@link PASSWORD}, with so little work that it opens in milliseconds. */
export const LOCKED_KEY = `untrusted comment: minisign secret key
RWRTY0Iyf0FDfB0AaEnfPgRdY6nsnZ0b+7dFd6P5gLobQQ72X1YAgAAAAAAAAAAAEAAAAAAA123x/jkGC4k1h7XweN48PNx6+i14vliEGzeSF7ggN3VN5vA6hxgY+i48RQsR753vEtRR3zeU43Fpy0+tKM3zXa7lnlqo/qf+gFJ7TmnYJifljCuKTDeFiPA+AB0qVnCdi3hZ4DNCLSk=
`;
export const LOCKED_PUBLIC = "RWTaHCJoVvT60C0pVo+kIoBJMwr/1xscp6kgx50VO/Lo8Cfg5QeIXzF9";
export const PASSWORD = "pässword";

/** What stands before a seed in its DER structure (RFC 8410). */
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");

const privateKey = (seed: Buffer) =>
  createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: "der", type: "pkcs8" });

/** A new secret key. */
export function makeSecretKey(): SecretKey {
  const seed = randomBytes(32);
  const point = createPublicKey(privateKey(seed)).export({ format: "der", type: "spki" }).subarray(-32);
  const bytes = Buffer.concat([Buffer.from("Ed"), randomBytes(8), point]);
  return { publicKey: parsePublicKey(bytes.toString("base64")), seed };
}

/** The text of a secret key's file as `minisign -G -W` of 0.11 writes it: no password, and an empty checksum. */
export function secretKeyFile({ publicKey: { number, point }, seed }: SecretKey): string {
  const head = Buffer.alloc(54);
  head.write("Ed\0\0B2", "latin1");
  const bytes = Buffer.concat([head, number, seed, point, Buffer.alloc(32)]);
  return `untrusted comment: minisign secret key\n${bytes.toString("base64")}\n`;
}

/** The signature file that minisign would make of content and a trusted comment. */
export function signContent(
  content: Uint8Array,
  trustedComment: string,
  { publicKey, seed }: SecretKey,
): string {
  const key = privateKey(seed);
  const own = sign(null, createHash("blake2b512").update(content).digest(), key);
  const lines = [
    `untrusted comment: signature from key ${publicKey.id}`,
    Buffer.concat([Buffer.from("ED"), publicKey.number, own]).toString("base64"),
    `trusted comment: ${trustedComment}`,
    sign(null, Buffer.concat([own, Buffer.from(trustedComment)]), key).toString("base64"),
  ];
  return `${lines.join("\n")}\n`;
}

/** The signature file of a release's list. */
export function signList(list: Uint8Array, identity: SignedIdentity, key: SecretKey): string {
  return signContent(list, listComment(identity), key);
}

/** Runs minisign in a directory; what it asks for is answered with `input`. Throws if it is not content. */
export async function minisign(cwd: string, args: readonly string[], input = ""): Promise<string> {
  return (await runProgram(["minisign", ...args], { cwd, input })).stdout;
}
