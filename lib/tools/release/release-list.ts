import { parseChecksums } from "../fs/checksums.ts";
import type { Arch } from "../host/targets.ts";
import { CommandError } from "../text/errors.ts";
import { isMinor, minorOf, minorsBefore } from "./k3s-release.ts";
import { parseSignature, verifySignature } from "./signature.ts";
import type { PublicKey } from "./signature-keys.ts";
import { isVersion } from "./version-name.ts";

/**
 * The signed file of a release is its list of files for one architecture, `sha256sum-ARCH.txt`. The trusted comment of
 * the signature identifies the list, so that neither another architecture's list nor an old one can replace it:
 *
 *     timestamp:1767225600 TAB file:sha256sum-amd64.txt TAB version:v0.36.3-k3s1r0 TAB arch:amd64 TAB k3s:v1.36.3+k3s1 TAB from:v1.35,v1.36 TAB expires:1798761600 TAB sizes:NAME=BYTES,… TAB hashed
 *
 * Fields that a client does not know are skipped, and lists of earlier releases lack some: `k3s`, and `from`, the minors of
 * Kubernetes from which a server may step to it, say which release a node may take next. After `expires` nobody says any
 * more that the list is the newest one.
 * The sizes are not in the list itself, because `sha256sum --check` only expects digests there.
 */
export interface ListIdentity {
  readonly arch: Arch;
  readonly version: string;
}

/** The k3s of a release. */
export interface DeclaredK3s {
  readonly version: string;
  /** The Kubernetes minors (`v1.35`) from which a server may step to it. */
  readonly from: readonly string[];
}

/** The fields of a trusted comment. */
interface SignedFields {
  readonly version: string;
  /** When the list was signed, in seconds since the epoch; 0 if missing. */
  readonly timestamp: number;
  /** Until when a server may offer the list, in seconds since the epoch; undefined: it does not say. */
  readonly expires?: number | undefined;
  /** Bytes by base name, for lists that were signed with sizes. */
  readonly sizes: ReadonlyMap<string, number>;
  /** Undefined for a release without k3s, or a list that was signed without it. */
  readonly k3s?: DeclaredK3s | undefined;
}

/** A list with a verified signature. */
export interface VerifiedList extends ListIdentity, SignedFields {
  /** SHA-256 in lower-case hexadecimal by base name. */
  readonly files: ReadonlyMap<string, string>;
}

export interface ExpectedSignature {
  /** The text of the signature file. */
  readonly signature: string;
  readonly arch: Arch;
  /** One of these keys must have signed. */
  readonly keys: readonly PublicKey[];
}

/** The public key of the signer, for manual verification; not in the list, because it proves nothing by itself. */
export const PUBLIC_KEY_NAME = "k3os.pub";

/** The size limit of a list, in bytes. */
export const MAX_LIST = 1 << 20;

/** The name of the list of an architecture's files in a release directory. */
export function listName(arch: Arch): string {
  return `sha256sum-${arch}.txt`;
}

/** The name of the list's signature. */
export function signatureName(arch: Arch): string {
  return `${listName(arch)}.minisig`;
}

/** The signed properties of a list. */
export interface SignedIdentity extends ListIdentity {
  /** Seconds since the epoch. */
  readonly timestamp: number;
  /** Seconds since the epoch. */
  readonly expires?: number | undefined;
  /** Bytes of the files, by base name. */
  readonly sizes?: ReadonlyMap<string, number>;
  readonly k3s?: DeclaredK3s | undefined;
}

/** minisign's limit for a trusted comment, in bytes: its line has 4096 with C's terminator (helpers.c, xfprintf). */
const MAX_COMMENT = 4095 - "trusted comment: \n".length;

/** The trusted comment to sign a list with. Throws CommandError if the version is not a valid directory name. */
export function listComment(identity: SignedIdentity): string {
  const { arch, version, timestamp, expires, sizes = new Map(), k3s } = identity;
  if (!isVersion(version))
    throw new CommandError(`Cannot sign: "${version}" is not a version such as v0.36.3-k3s1r0`);
  const fields = [`timestamp:${timestamp}`, `file:${listName(arch)}`, `version:${version}`, `arch:${arch}`];
  if (k3s !== undefined) fields.push(`k3s:${k3s.version}`, `from:${k3s.from.join(",")}`);
  if (expires !== undefined) fields.push(`expires:${expires}`);
  if (sizes.size > 0) fields.push(`sizes:${[...sizes].map(([name, size]) => `${name}=${size}`).join(",")}`);
  const comment = [...fields, "hashed"].join("\t");
  if (comment.length <= MAX_COMMENT) return comment;
  throw new CommandError("Cannot sign: the checksum file has too many entries");
}

/**
 * The content of a list that is signed by one of `keys` for this architecture. The list is only parsed after the
 * verification. Throws CommandError.
 */
export function verifyList(list: Uint8Array, { signature, arch, keys }: ExpectedSignature): VerifiedList {
  const signed = fieldsFor(arch, verifySignature(list, signature, keys));
  return { arch, ...signed, files: parseChecksums(Buffer.from(list).toString()) };
}

/** The unverified fields of a list's signature. Throws CommandError. */
export function claimedFields(signature: string, arch: Arch): SignedFields {
  return fieldsFor(arch, parseSignature(signature).trustedComment);
}

/** The fields of a trusted comment, which must be for an architecture's list. */
function fieldsFor(arch: Arch, comment: string): SignedFields {
  const file = field(comment, "file");
  if (file !== listName(arch))
    throw new CommandError(`It is signed for the file "${file}", not "${listName(arch)}"`);
  const signedArch = field(comment, "arch");
  if (signedArch !== arch) throw new CommandError(`It is signed for ${signedArch}, not ${arch}`);
  const version = field(comment, "version");
  if (!isVersion(version)) throw new CommandError(`It is signed for "${version}", which is not a version`);
  const timestamp = timeIn(comment, "timestamp", "at") ?? 0;
  const expires = timeIn(comment, "expires", "until");
  const k3s = k3sIn(comment);
  const sizes = sizesIn(comment);
  return { version, timestamp, sizes, ...(expires !== undefined && { expires }), ...(k3s && { k3s }) };
}

/** Seconds since the epoch; undefined without the field. */
function timeIn(comment: string, name: string, word: string): number | undefined {
  const [text] = fields(comment, name);
  if (text === undefined || /^\d{1,12}$/.test(text)) return text === undefined ? undefined : Number(text);
  throw new CommandError(`It is signed ${word} "${text}", which is not a time`);
}

function k3sIn(comment: string): DeclaredK3s | undefined {
  const [version, ...others] = fields(comment, "k3s");
  if (version === undefined) return undefined;
  const declared = fields(comment, "from").flatMap((text) => text.split(","));
  const from = declared.length === 0 ? minorsBefore(version) : declared;
  if (others.length === 0 && minorOf(version) !== undefined && from.every(isMinor)) return { version, from };
  throw new CommandError(`It is signed for the k3s "${version}" from "${from}", which are not versions`);
}

function sizesIn(comment: string): ReadonlyMap<string, number> {
  const entries = fields(comment, "sizes").flatMap((text) => text.split(","));
  return new Map(
    entries.map((entry): [string, number] => {
      const [, name, size] = /^([^=]+)=(\d{1,15})$/.exec(entry) ?? [];
      if (name !== undefined) return [name, Number(size)];
      throw new CommandError(`It is signed with "${entry}", which is not a file size`);
    }),
  );
}

function fields(comment: string, name: string): string[] {
  const values = comment.split("\t").filter((part) => part.startsWith(`${name}:`));
  return values.map((part) => part.slice(name.length + 1));
}

function field(comment: string, name: string): string {
  const [value, ...others] = fields(comment, name);
  if (value !== undefined && value !== "" && others.length === 0) return value;
  throw new CommandError(`It is not signed as a release: its trusted comment must have one field "${name}"`);
}
