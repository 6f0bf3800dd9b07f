import { createHash } from "node:crypto";
import { listName, signatureName, signList } from "../../lib/release-list.ts";
import { encodePublicKey, makeSecretKey } from "../../lib/signature-keys.ts";
import { hostTarget } from "../../lib/targets.ts";
import { type FileServer, serveFiles } from "./http-server.ts";

/** A server that offers a release of this machine's architecture, signed with a key of its own. */
export interface ServedRelease extends FileServer {
  /** The public key, as `--key` takes it. */
  readonly key: string;
}

/** Serves files with their signed list. `changed`: what the server sends is not what was signed. */
export async function serveRelease(
  files: Readonly<Record<string, string | Uint8Array>>,
  { changed = false }: { readonly changed?: boolean } = {},
): Promise<ServedRelease> {
  const secret = makeSecretKey();
  const { arch } = hostTarget();
  const digest = (content: string | Uint8Array) => createHash("sha256").update(content).digest("hex");
  const list = Object.entries(files).map(([name, content]) => `${digest(content)}  ${name}\n`);
  const text = Buffer.from(list.join(""));
  const signature = signList(text, { arch, version: "v1.2.3", timestamp: 0 }, secret);
  const sent = Object.entries(files).map(([name, content]) => [
    `/${name}`,
    changed ? Buffer.concat([Buffer.from(content), Buffer.from("x")]) : content,
  ]);
  const server = await serveFiles({
    ...Object.fromEntries(sent),
    [`/${listName(arch)}`]: text,
    [`/${signatureName(arch)}`]: signature,
  });
  return { ...server, key: encodePublicKey(secret.publicKey) };
}
