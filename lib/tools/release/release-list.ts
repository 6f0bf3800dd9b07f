import { parseChecksums } from "../fs/checksums.ts";
import type { Arch } from "../host/targets.ts";
import { CommandError } from "../text/errors.ts";
import { parseSignature, verifySignature } from "./signature.ts";
import type { PublicKey } from "./signature-keys.ts";
import { isVersion } from "./version-name.ts";

/**
 * The list of a release's files for one architecture, `sha256sum-ARCH.txt`, is what is signed. The trusted comment of
 * its signature says what it is for, so that another architecture's cannot pass for it, nor an old one for a new one:
 *
 *     timestamp:1767225600 TAB file:sha256sum-amd64.txt TAB version:v0.30.0 TAB arch:amd64 TAB sizes:NAME=BYTES,… TAB hashed
 *
 * The sizes are there and not in the list, in which `sha256sum --check` wants nothing else than digests.
 */
export interface ListIdentity {
  readonly arch: Arch;
  readonly version: string;
}

/** What a trusted comment says. */
interface SignedFields {
  readonly version: string;
  /** When the list was signed, in seconds since the epoch; 0 if it does not say. */
  readonly timestamp: number;
  /** Bytes by base name; of lists that were signed with them. */
  readonly sizes: ReadonlyMap<string, number>;
}

/** A list whose signature was verified. */
export interface VerifiedList extends ListIdentity, SignedFields {
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

/** What is signed with a list. */
export interface SignedIdentity extends ListIdentity {
  /** Seconds since the epoch. */
  readonly timestamp: number;
  /** Bytes of the files, by base name. */
  readonly sizes?: ReadonlyMap<string, number>;
}

/** What minisign writes for a trusted comment, in bytes: its line has 4096 with what C adds (helpers.c, xfprintf). */
const MAX_COMMENT = 4095 - "trusted comment: \n".length;

/** The trusted comment that a list is signed with. Throws CommandError if the version could not be the name of a directory. */
export function listComment({ arch, version, timestamp, sizes = new Map() }: SignedIdentity): string {
  if (!isVersion(version))
    throw new CommandError(`Cannot sign: "${version}" is not a version such as v0.30.0`);
  const fields = [`timestamp:${timestamp}`, `file:${listName(arch)}`, `version:${version}`, `arch:${arch}`];
  if (sizes.size > 0) fields.push(`sizes:${[...sizes].map(([name, size]) => `${name}=${size}`).join(",")}`);
  const comment = [...fields, "hashed"].join("\t");
  if (comment.length <= MAX_COMMENT) return comment;
  throw new CommandError("Cannot sign: the checksum file has too many entries");
}

/**
 * The content of a list that one of `keys` signed, for this architecture. The list is not looked at before all of that is
 * certain. Throws CommandError.
 */
export function verifyList(list: Uint8Array, { signature, arch, keys }: WantedSignature): VerifiedList {
  const signed = fieldsFor(arch, verifySignature(list, signature, keys));
  return { arch, ...signed, files: parseChecksums(Buffer.from(list).toString()) };
}

/** What a signature claims of its list. Nothing is verified. Throws CommandError. */
export function claimedFields(signature: string, arch: Arch): SignedFields {
  return fieldsFor(arch, parseSignature(signature).trustedComment);
}

/** What a trusted comment says that must be for an architecture's list. */
function fieldsFor(arch: Arch, comment: string): SignedFields {
  const file = field(comment, "file");
  if (file !== listName(arch))
    throw new CommandError(`It is signed for the file "${file}", not "${listName(arch)}"`);
  const signedArch = field(comment, "arch");
  if (signedArch !== arch) throw new CommandError(`It is signed for ${signedArch}, not ${arch}`);
  const version = field(comment, "version");
  if (!isVersion(version)) throw new CommandError(`It is signed for "${version}", which is not a version`);
  const [timestamp = "0"] = fields(comment, "timestamp");
  if (!/^\d{1,12}$/.test(timestamp))
    throw new CommandError(`It is signed at "${timestamp}", which is not a time`);
  return { version, timestamp: Number(timestamp), sizes: sizesIn(comment) };
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
