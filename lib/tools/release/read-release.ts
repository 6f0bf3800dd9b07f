import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkDigest, parseChecksums } from "../fs/checksums.ts";
import { readBounded } from "../fs/read-bounded.ts";
import type { Host } from "../host/host.ts";
import type { Arch } from "../host/targets.ts";
import {
  download,
  type FetchOptions,
  fetchBytes,
  HttpError,
  maskUrl,
  type ReceiveOptions,
} from "../http/http.ts";
import { localPath } from "../http/http-url.ts";
import { CommandError, during, messageOf } from "../text/errors.ts";
import { releaseKeys } from "./release-keys.ts";
import { claimedFields, listName, MAX_LIST, signatureName, verifyList } from "./release-list.ts";
import { type PublicKey, readPublicKey } from "./signature-keys.ts";

/** Whose releases are accepted: those that one of the keys signed, or anyone's. */
export type Trust =
  | { readonly kind: "keys"; readonly keys: readonly PublicKey[] }
  | { readonly kind: "anyone" };

/** What a release directory offers one architecture. */
export interface Release {
  /** Such as `v0.30.0`; can be undefined only where `signed` is false, and then nobody vouches for it. */
  readonly version: string | undefined;
  readonly arch: Arch;
  /** SHA-256 in lower-case hexadecimal by base name. */
  readonly files: ReadonlyMap<string, string>;
  /** Bytes by base name, where the signature tells them. */
  readonly sizes: ReadonlyMap<string, number>;
  /** When the list was signed, in seconds since the epoch; 0 if nobody says. */
  readonly timestamp: number;
  /** A key that is trusted signed version, architecture, sizes and digests. */
  readonly signed: boolean;
}

export interface TrustOptions {
  /** Paths or base64 of public keys. */
  readonly keys: readonly string[];
  /** Trust anyone; undefined where the command has no such option. */
  readonly insecure?: boolean;
  /** Default: the keys compiled in. */
  readonly builtIn?: readonly PublicKey[];
}

export interface WantedRelease {
  readonly arch: Arch;
  readonly trust: Trust;
  /** A missing list is an error where anyone is trusted, too. */
  readonly listed?: boolean;
}

type ReleaseHost = Pick<Host, "log" | "clock" | "env" | "run">;

const MAX_SIGNATURE = 1 << 14;
/** Largest file of a release whose size nobody has signed, in bytes. */
const MAX_FILE = 4 * 2 ** 30;
/** Seconds after which a list is old: there has been a release since, most likely. */
const OLD = 180 * 86_400;

/**
 * Whom to trust by what the options `--key` and `--insecure-skip-verify` say; the latter is warned of, and outdoes the
 * keys. Throws CommandError if a key cannot be used, or none is known at all.
 */
export function chooseTrust(
  { keys, insecure, builtIn = releaseKeys() }: TrustOptions,
  host: Pick<Host, "log">,
): Trust {
  if (insecure) {
    host.log.warn(
      "NO SIGNATURE IS VERIFIED: whoever has the server, or the way to it, can take this machine",
    );
    return { kind: "anyone" };
  }
  const all = [...builtIn, ...keys.map(readPublicKey)];
  if (all.length > 0) return { kind: "keys", keys: all };
  throw new CommandError("Cannot verify a release: no release key is known to this build", {
    hint: `give its public key with --key${insecure === undefined ? "" : ", or trust anyone with --insecure-skip-verify"}`,
  });
}

/**
 * Reads what a release directory offers an architecture; it is a URL (http, https, ftp, file) or a path, and holds
 * `sha256sum-ARCH.txt` and its signature. The list is not looked at before its signature is verified, and found to be for
 * this list and architecture. Where anyone is trusted, a missing list and whatever is wrong with the signature are only
 * warned of. Throws HttpError or CommandError.
 */
export async function readRelease(
  directory: string,
  { arch, trust, listed = false }: WantedRelease,
  host: ReleaseHost,
): Promise<Release> {
  if (trust.kind === "anyone") return await readUnverified(directory, { arch, listed }, host);
  const content = await readSmall(releaseFile(directory, listName(arch)), { maxBytes: MAX_LIST }, host);
  const signature = await readSignature(directory, arch, {}, host);
  const list = await during(`Verifying "${shown(directory, arch)}"`, () =>
    verifyList(content, { signature, arch, keys: trust.keys }),
  );
  const age = host.clock.now() / 1000 - list.timestamp;
  if (age > OLD) {
    const days = Math.floor(age / 86_400);
    host.log.warn(
      `"${shown(directory, arch)}" was signed ${days} days ago: see whether there is a newer release`,
    );
  }
  return { ...list, signed: true };
}

/** The digest that a file of a release must have: SHA-256, hexadecimal. Throws CommandError if it is not listed. */
export function digestOf({ files, arch }: Pick<Release, "files" | "arch">, name: string): string {
  const digest = files.get(name);
  if (digest !== undefined) return digest;
  throw new CommandError(`The release has no "${name}": its ${listName(arch)} does not list it`);
}

/** {@link digestOf}; undefined if it is not listed where nobody has signed the list. */
export function wantedDigest(release: Release, name: string): string | undefined {
  return release.signed || release.files.has(name) ? digestOf(release, name) : undefined;
}

/** What a download of a file of a release must be. Throws CommandError if a signed list does not have it. */
export function wantedContent(
  release: Release,
  name: string,
): Pick<ReceiveOptions, "sha256" | "maxBytes" | "plainRedirects"> {
  const sha256 = wantedDigest(release, name);
  const maxBytes = release.sizes.get(name) ?? MAX_FILE;
  return { maxBytes, plainRedirects: !release.signed, ...(sha256 && { sha256 }) };
}

/**
 * The content of a small file of a release, which is what the list says it is. Throws HttpError or CommandError, also if
 * it is larger than 1 MiB.
 */
export async function readReleaseFile(
  directory: string,
  name: string,
  release: Release,
  host: ReleaseHost,
): Promise<Buffer> {
  const wanted = wantedDigest(release, name);
  const url = releaseFile(directory, name);
  const content = await readSmall(url, { maxBytes: MAX_LIST, plainRedirects: !release.signed }, host);
  const found = createHash("sha256").update(content).digest("hex");
  checkDigest(maskUrl(url), found, wanted);
  return content;
}

/** The URL or path of a file in a release directory; a query of the URL stays behind it. */
export function releaseFile(directory: string, name: string): string {
  if (!/^[a-z][a-z0-9+.-]*:/i.test(directory)) return join(directory, name);
  const [, base = "", query = ""] = /^([^?#]*?)\/*([?#].*)?$/.exec(directory) ?? [];
  return `${base}/${name}${query}`;
}

async function readUnverified(
  directory: string,
  { arch, listed }: Omit<Required<WantedRelease>, "trust">,
  host: ReleaseHost,
): Promise<Release> {
  const list = shown(directory, arch);
  const unsigned = { arch, version: undefined, sizes: new Map(), timestamp: 0, signed: false };
  let content: Buffer;
  try {
    content = await readSmall(
      releaseFile(directory, listName(arch)),
      { maxBytes: MAX_LIST, ...ANY_WAY },
      host,
    );
  } catch (error) {
    if (listed || !isMissing(error)) throw error;
    host.log.warn(`There is no "${list}": its downloads cannot be verified`);
    return { ...unsigned, files: new Map() };
  }
  const files = await during(`Reading "${list}"`, () => parseChecksums(content.toString()));
  try {
    const signature = await readSignature(directory, arch, ANY_WAY, host);
    return { ...unsigned, files, ...claimedFields(signature, arch) };
  } catch (error) {
    host.log.warn(`The signature of "${list}" is not good: ${messageOf(error)}`);
    return { ...unsigned, files };
  }
}

/** Where the user trusts anyone. */
const ANY_WAY = { plainRedirects: true } as const;

async function readSignature(
  directory: string,
  arch: Arch,
  way: Pick<FetchOptions, "plainRedirects">,
  host: ReleaseHost,
): Promise<string> {
  const url = releaseFile(directory, signatureName(arch));
  try {
    return (await readSmall(url, { maxBytes: MAX_SIGNATURE, ...way }, host)).toString();
  } catch (cause) {
    // a list without its signature is not a release that is missing
    if (isMissing(cause)) throw new CommandError(`Nobody has signed "${shown(directory, arch)}"`, { cause });
    throw cause;
  }
}

/** The content of a URL or path, at most `maxBytes` of it. */
async function readSmall(
  url: string,
  options: Pick<FetchOptions, "plainRedirects"> & { readonly maxBytes: number },
  host: ReleaseHost,
): Promise<Buffer> {
  if (localPath(url) !== undefined || /^https?:/i.test(url)) return await fetchBytes(url, options, host);
  // ftp is left to a program that writes files
  const scratch = await mkdtemp(join(tmpdir(), "k3os-release-"));
  try {
    const file = join(scratch, "file");
    await download(url, file, options, host);
    return readBounded(file, { maxBytes: options.maxBytes });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Whether what was asked for is known not to be there, as opposed to being out of reach. */
export function isMissing(error: unknown): boolean {
  if (error instanceof HttpError) return error.status === 404 || error.status === 410;
  return error instanceof Error && (error.cause as NodeJS.ErrnoException | undefined)?.code === "ENOENT";
}

function shown(directory: string, arch: Arch): string {
  return maskUrl(releaseFile(directory, listName(arch)));
}
