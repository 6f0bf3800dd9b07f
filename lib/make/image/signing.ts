import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../../tools/fs/atomic.ts";
import { checksumFile } from "../../tools/fs/checksums.ts";
import type { Target } from "../../tools/host/targets.ts";
import { VALIDITY } from "../../tools/release/freshness.ts";
import { declaredK3s } from "../../tools/release/k3s-release.ts";
import { listComment, listName, PUBLIC_KEY_NAME, signatureName } from "../../tools/release/release-list.ts";
import { publicKeyFile } from "../../tools/release/signature-keys.ts";
import {
  makeSigningKey,
  openSigningKey,
  type SigningKey,
  signContent,
} from "../../tools/release/signing-key.ts";
import type { BuildContext } from "../build/context.ts";
import { ensurePackages } from "../build/required-packages.ts";

/**
 * The key that signs the artifacts: from the given file, or this clone's own, which is created on first use, so that
 * the artifacts of any build can be verified. Throws CommandError.
 */
export async function signingKey(
  file: string | undefined,
  { cache, host }: Pick<BuildContext, "cache" | "host">,
): Promise<SigningKey> {
  await ensurePackages(["minisign"], host);
  if (file !== undefined) return await openSigningKey(file, host);
  const own = join(cache, "signing-key");
  if (!existsSync(own)) {
    try {
      await makeSigningKey(own, host);
    } catch (error) {
      // a parallel build may have just created it
      if (!existsSync(own)) throw error;
    }
  }
  return await openSigningKey(own, host);
}

/** Writes the list of a target's existing artifacts, its signature, which declares the k3s in them, and the public key. */
export async function writeChecksums(
  target: Pick<Target, "arch">,
  {
    names,
    key,
    k3s,
  }: { readonly names: readonly string[]; readonly key: SigningKey; readonly k3s?: string | undefined },
  { artifacts, version, signedAt, host }: Pick<BuildContext, "artifacts" | "version" | "signedAt" | "host">,
): Promise<void> {
  const { arch } = target;
  const list = await checksumFile(names.map((name) => join(artifacts, name)));
  const sizes = new Map(names.map((name) => [name, statSync(join(artifacts, name)).size]));
  const declared = k3s === undefined ? undefined : declaredK3s(k3s);
  const expires = signedAt + VALIDITY;
  const comment = listComment({ arch, version, timestamp: signedAt, expires, sizes, k3s: declared });
  const signature = await signContent(Buffer.from(list), comment, key, host);
  writeFileAtomic(join(artifacts, listName(arch)), list);
  writeFileAtomic(join(artifacts, signatureName(arch)), signature);
  writeFileAtomic(join(artifacts, PUBLIC_KEY_NAME), publicKeyFile(key.publicKey));
}
