import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../../tools/fs/atomic.ts";
import { checksumFile } from "../../tools/fs/checksums.ts";
import type { Target } from "../../tools/host/targets.ts";
import { listName, PUBLIC_KEY_NAME, signatureName, signList } from "../../tools/release/release-list.ts";
import {
  makeSecretKey,
  publicKeyFile,
  readSecretKey,
  type SecretKey,
  secretKeyFile,
} from "../../tools/release/signature-keys.ts";
import { CommandError } from "../../tools/text/errors.ts";
import type { BuildContext } from "../build/context.ts";

/**
 * The key that signs what is built: of the given file, or this clone's own, which is made when first needed, so that
 * what any build makes can be verified. Throws CommandError.
 */
export async function signingKey(
  file: string | undefined,
  { cache, host }: Pick<BuildContext, "cache" | "host">,
): Promise<SecretKey> {
  if (file !== undefined) return await readSecretKey(file, host);
  const own = join(cache, "signing-key");
  if (!existsSync(own)) {
    try {
      writeFileSync(own, secretKeyFile(makeSecretKey()), { mode: 0o600, flag: "wx" });
    } catch (cause) {
      // another build beside this one may just have made it
      if (!existsSync(own)) throw new CommandError(`Cannot write "${own}"`, { cause });
    }
  }
  return await readSecretKey(own, host);
}

/** Writes the list of a target's artifacts, which are there by these names, its signature, and the public key. */
export async function writeChecksums(
  target: Pick<Target, "arch">,
  { names, key }: { readonly names: readonly string[]; readonly key: SecretKey },
  { artifacts, version, signedAt }: Pick<BuildContext, "artifacts" | "version" | "signedAt">,
): Promise<void> {
  const { arch } = target;
  const list = await checksumFile(names.map((name) => join(artifacts, name)));
  const sizes = new Map(names.map((name) => [name, statSync(join(artifacts, name)).size]));
  const signature = signList(Buffer.from(list), { arch, version, timestamp: signedAt, sizes }, key);
  writeFileAtomic(join(artifacts, listName(arch)), list);
  writeFileAtomic(join(artifacts, signatureName(arch)), signature);
  writeFileAtomic(join(artifacts, PUBLIC_KEY_NAME), publicKeyFile(key.publicKey));
}
