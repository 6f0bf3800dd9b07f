import { createHash } from "node:crypto";
import { type FileServer, serveFiles } from "../../lib/make/vm/http-server.ts";
import { type Arch, hostTarget } from "../../lib/tools/host/targets.ts";
import { declaredK3s } from "../../lib/tools/release/k3s-release.ts";
import { listName, signatureName } from "../../lib/tools/release/release-list.ts";
import { encodePublicKey } from "../../lib/tools/release/signature-keys.ts";
import { makeSecretKey, type SecretKey, signList } from "./minisign.ts";

/** A server that offers a release of this machine's architecture, signed with a key of its own. */
export interface ServedRelease extends FileServer {
  /** The public key, as `--key` takes it. */
  readonly key: string;
}

/** What a release is, and who signs it. */
export interface Signing {
  readonly secret: SecretKey;
  readonly version: string;
  /** Default: this machine's. */
  readonly arch?: Arch;
  /** Seconds since the epoch; default: now. */
  readonly timestamp?: number;
  /** Seconds since the epoch; default: never. */
  readonly expires?: number | undefined;
  /** The version of its k3s, to be declared. */
  readonly k3s?: string | undefined;
}

/** The list of some files and its signature, by name. */
export function signedList(
  files: Readonly<Record<string, string | Uint8Array>>,
  {
    secret,
    version,
    arch = hostTarget().arch,
    timestamp = Math.floor(Date.now() / 1000),
    expires,
    k3s,
  }: Signing,
): Record<string, string | Uint8Array> {
  const digest = (content: string | Uint8Array) => createHash("sha256").update(content).digest("hex");
  const lines = Object.entries(files).map(([name, content]) => `${digest(content)}  ${name}\n`);
  const list = Buffer.from(lines.join(""));
  const sizes = new Map(Object.entries(files).map(([name, content]) => [name, Buffer.byteLength(content)]));
  const identity = { arch, version, timestamp, expires, sizes, k3s: declaredK3s(k3s ?? "") };
  const signature = signList(list, identity, secret);
  return { [listName(arch)]: list, [signatureName(arch)]: signature };
}

/** The content with another last byte: as long as before, so that only its digest tells. */
function withLast(content: string | Uint8Array, last: string): Buffer {
  return Buffer.concat([Buffer.from(content).subarray(0, -1), Buffer.from(last)]);
}

/** Serves files with their signed list. `changed`: what the server sends is not what was signed. */
export async function serveRelease(
  files: Readonly<Record<string, string | Uint8Array>>,
  { changed = false }: { readonly changed?: boolean } = {},
): Promise<ServedRelease> {
  const secret = makeSecretKey();
  const signed = Object.entries(signedList(files, { secret, version: "v1.2.3" }));
  const sent = Object.entries(files).map(([name, content]) => [
    `/${name}`,
    changed ? withLast(content, "x") : content,
  ]);
  const server = await serveFiles({
    ...Object.fromEntries(sent),
    ...Object.fromEntries(signed.map(([name, content]) => [`/${name}`, content])),
  });
  return { ...server, key: encodePublicKey(secret.publicKey) };
}
