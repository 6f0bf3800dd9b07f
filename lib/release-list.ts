import { parseChecksums } from "./checksums.ts";
import { CommandError } from "./errors.ts";
import { parseSignature, signContent, verifySignature } from "./signature.ts";
import type { PublicKey, SecretKey } from "./signature-keys.ts";
import type { Arch } from "./targets.ts";
import { isVersion } from "./version-name.ts";

/**
 * The list of a release's files for one architecture, `sha256sum-ARCH.txt`, is what is signed. The trusted comment of
 * its signature says what it is for, so that another architecture's cannot pass for it, nor an old one for a new one:
 *
 *     timestamp:1767225600 TAB file:sha256sum-amd64.txt TAB version:v0.30.0 TAB arch:amd64 TAB hashed
 */
export interface ListIdentity {
  readonly arch: Arch;
  readonly version: string;
}

/** A list whose signature was verified. */
export interface VerifiedList extends ListIdentity {
  /** SHA-256 in lower-case hexadecimal by base name. */
  readonly files: ReadonlyMap<string, string>;
}

export interface WantedSignature {
  /** The text of the signature file. */
  readonly signature: string;
  readonly arch: Arch;
  /** Of whom one must have signed. */
  readonly keys: readonly PublicKey[];
}

/** The public key of who signed, for whoever verifies by hand; not in the list, as it proves nothing by itself. */
export const PUBLIC_KEY_NAME = "k3os.pub";

/** Largest list that is read, in bytes. */
export const MAX_LIST = 1 << 20;

/** The name of the list of an architecture's files in a release directory. */
export function listName(arch: Arch): string {
  return `sha256sum-${arch}.txt`;
}

/** The name of the list's signature. */
export function signatureName(arch: Arch): string {
  return `${listName(arch)}.minisig`;
}

/**
 * Signs a list; `timestamp` is in seconds since the epoch. The same input gives the same text. Throws CommandError if the
 * version could not be the name of a directory.
 */
export function signList(
  list: Uint8Array,
  { arch, version, timestamp }: ListIdentity & { readonly timestamp: number },
  key: SecretKey,
): string {
  if (!isVersion(version))
    throw new CommandError(`Cannot sign: "${version}" is not a version such as v0.30.0`);
  const fields = [`timestamp:${timestamp}`, `file:${listName(arch)}`, `version:${version}`, `arch:${arch}`];
  return signContent(list, [...fields, "hashed"].join("\t"), key);
}

/**
 * The content of a list that one of `keys` signed, for this architecture. The list is not looked at before all of that is
 * certain. Throws CommandError.
 */
export function verifyList(list: Uint8Array, { signature, arch, keys }: WantedSignature): VerifiedList {
  const version = versionFor(arch, verifySignature(list, signature, keys));
  return { arch, version, files: parseChecksums(Buffer.from(list).toString()) };
}

/** The version that a signature claims its list to be of. Nothing is verified. Throws CommandError. */
export function claimedVersion(signature: string, arch: Arch): string {
  return versionFor(arch, parseSignature(signature).trustedComment);
}

/** The version in a trusted comment that must be for an architecture's list. */
function versionFor(arch: Arch, comment: string): string {
  const file = field(comment, "file");
  if (file !== listName(arch))
    throw new CommandError(`It is signed for the file "${file}", not "${listName(arch)}"`);
  const signedArch = field(comment, "arch");
  if (signedArch !== arch) throw new CommandError(`It is signed for ${signedArch}, not ${arch}`);
  const version = field(comment, "version");
  if (!isVersion(version)) throw new CommandError(`It is signed for "${version}", which is not a version`);
  return version;
}

function field(comment: string, name: string): string {
  const values = comment.split("\t").filter((part) => part.startsWith(`${name}:`));
  const [value, ...others] = values.map((part) => part.slice(name.length + 1));
  if (value !== undefined && value !== "" && others.length === 0) return value;
  throw new CommandError(`It is not signed as a release: its trusted comment must have one field "${name}"`);
}
