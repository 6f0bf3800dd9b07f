import type { Host } from "../host/host.ts";
import { CommandError, messageOf } from "../text/errors.ts";
import { parseSignature, verifySignature } from "./signature.ts";
import { type PublicKey, parsePublicKey, printedId } from "./signature-keys.ts";

/** The number of changes of the key that a node may have missed. */
const MOST = 4;

/** The name of a new public key in a release directory; its signature by an earlier key is beside it. */
export function keyName(id: string): string {
  return `k3os-${id}.pub`;
}

/** Reads a file of the release directory; undefined: there is none. */
type ReadFile = (name: string) => Promise<Uint8Array | undefined>;

/**
 * The keys that may have made a signature: the trusted ones, and its signer, if it follows one of them. A project that
 * changes its key signs the new public key with the old one, and puts `k3os-ID.pub` and its signature into each release.
 * So a node that only knows the old key takes these releases, after up to four such changes. Returns the trusted keys
 * alone if the signer follows none; the reason is logged for debugging. Throws what `read` throws, and CommandError for a
 * malformed signature.
 */
export async function followKeys(
  signature: string,
  trusted: readonly PublicKey[],
  read: ReadFile,
  host: Pick<Host, "log">,
  most = MOST,
): Promise<readonly PublicKey[]> {
  const { number } = parseSignature(signature);
  if (most === 0 || trusted.some((key) => key.number.equals(number))) return trusted;
  const id = printedId(number);
  const name = keyName(id);
  const [content, ownSignature] = [await read(name), await read(`${name}.minisig`)];
  if (content === undefined || ownSignature === undefined) return trusted;
  try {
    const earlier = await followKeys(ownSignature.toString(), trusted, read, host, most - 1);
    const key = verifyKey(content, { name, signature: ownSignature.toString(), keys: earlier });
    if (!key.number.equals(number)) throw new CommandError(`"${name}" is the key ${key.id}`);
    return [...earlier, key];
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    host.log.debug(`The key ${id} follows no trusted one: ${messageOf(error)}`);
    return trusted;
  }
}

/** The public key of a file that one of `keys` has signed under its name. Throws CommandError. */
export function verifyKey(
  content: Uint8Array,
  {
    name,
    signature,
    keys,
  }: { readonly name: string; readonly signature: string; readonly keys: readonly PublicKey[] },
): PublicKey {
  const comment = verifySignature(content, signature, keys);
  if (comment.split("\t").includes(`file:${name}`)) return parsePublicKey(Buffer.from(content).toString());
  throw new CommandError(`"${name}" is not signed as such: found the trusted comment "${comment}"`);
}
