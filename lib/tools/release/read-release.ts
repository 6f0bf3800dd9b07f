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
import { checkFreshness } from "./freshness.ts";
import { followKeys } from "./key-chain.ts";
import { releaseKeys } from "./release-keys.ts";
import {
  claimedFields,
  type DeclaredK3s,
  listName,
  MAX_LIST,
  signatureName,
  verifyList,
} from "./release-list.ts";
import { type PublicKey, readPublicKey } from "./signature-keys.ts";

/** The accepted releases: those signed by one of the keys, or all. */
export type Trust =
  | {
      readonly kind: "keys";
      readonly keys: readonly PublicKey[];
      /** Accept lists that have expired. */
      readonly allowExpired?: boolean;
    }
  | { readonly kind: "anyone" };

/** The content of a release directory for one architecture. */
export interface Release {
  /** Such as `v0.36.3-k3s1r0`; only undefined if `signed` is false, so that it is not verified. */
  readonly version: string | undefined;
  readonly arch: Arch;
  /** SHA-256 in lower-case hexadecimal by base name. */
  readonly files: ReadonlyMap<string, string>;
  /** Bytes by base name, if the signature has them. */
  readonly sizes: ReadonlyMap<string, number>;
  /** When the list was signed, in seconds since the epoch; 0 if unknown. */
  readonly timestamp: number;
  /** Until when a server may offer the list, in seconds since the epoch; undefined: it does not say. */
  readonly expires?: number | undefined;
  /** Its k3s, if the signature has it. */
  readonly k3s?: DeclaredK3s | undefined;
  /** Version, architecture, sizes and digests have the signature of a trusted key. */
  readonly signed: boolean;
}

export interface TrustOptions {
  /** Paths or base64 of public keys. */
  readonly keys: readonly string[];
  /** Skip verification; undefined if the command has no such option. */
  readonly insecure?: boolean;
  /** Accept lists that have expired; undefined if the command has no such option. */
  readonly allowExpired?: boolean;
  /** Default: the built-in keys. */
  readonly builtIn?: readonly PublicKey[];
}

export interface WantedRelease {
  readonly arch: Arch;
  readonly trust: Trust;
  /** A missing list is an error even if verification is skipped. */
  readonly listed?: boolean;
}

type ReleaseHost = Pick<Host, "log" | "clock" | "env" | "run">;

const MAX_SIGNATURE = 1 << 14;
/** The limit in bytes for a file of a release without a signed size. */
const MAX_FILE = 4 * 2 ** 30;

/**
 * The trust by the options `--key` and `--insecure-skip-verify`; the latter is logged as a warning, and overrides the
 * keys. Throws CommandError if a key is invalid, or there is no key.
 */
export function chooseTrust(
  { keys, insecure, allowExpired, builtIn = releaseKeys() }: TrustOptions,
  host: Pick<Host, "log">,
): Trust {
  if (insecure) {
    host.log.warn(
      "NO SIGNATURE IS VERIFIED: whoever has the server, or the way to it, can take this machine",
    );
    return { kind: "anyone" };
  }
  const all = [...builtIn, ...keys.map(readPublicKey)];
  if (all.length > 0) return { kind: "keys", keys: all, ...(allowExpired !== undefined && { allowExpired }) };
  throw new CommandError("Cannot verify a release: no release key is known to this build", {
    hint: `give its public key with --key${insecure === undefined ? "" : ", or trust anyone with --insecure-skip-verify"}`,
  });
}

/**
 * Reads the content of a release directory for an architecture. The directory is a URL (http, https, ftp, file) or a
 * path, and contains `sha256sum-ARCH.txt` and its signature. The list is only parsed after its signature is verified
 * for this list and architecture, by one of the keys or by one that follows them ({@link followKeys}). If verification is
 * skipped, a missing list and a bad signature are only logged as warnings. Throws HttpError or CommandError, also for a
 * list that has expired.
 */
export async function readRelease(
  directory: string,
  { arch, trust, listed = false }: WantedRelease,
  host: ReleaseHost,
): Promise<Release> {
  if (trust.kind === "anyone") return await readUnverified(directory, { arch, listed }, host);
  const content = await readSmall(releaseFile(directory, listName(arch)), { maxBytes: MAX_LIST }, host);
  const signature = await readSignature(directory, arch, {}, host);
  const read = (name: string) =>
    readSmall(releaseFile(directory, name), { maxBytes: MAX_SIGNATURE }, host).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
      return undefined;
    });
  const name = shown(directory, arch);
  const list = await during(`Verifying "${name}"`, async () => {
    const keys = await followKeys(signature, trust.keys, read, host);
    return verifyList(content, { signature, arch, keys });
  });
  const isLocal = localPath(directory) !== undefined;
  checkFreshness(list, { name, isLocal, allowExpired: trust.allowExpired }, host);
  return { ...list, signed: true };
}

/** The expected digest of a file of a release: SHA-256, hexadecimal. Throws CommandError if it is not listed. */
export function digestOf({ files, arch }: Pick<Release, "files" | "arch">, name: string): string {
  const digest = files.get(name);
  if (digest !== undefined) return digest;
  throw new CommandError(`The release has no "${name}": its ${listName(arch)} does not list it`);
}

/** {@link digestOf}; undefined if the file is not listed and the list is not signed. */
export function expectedDigest(release: Release, name: string): string | undefined {
  return release.signed || release.files.has(name) ? digestOf(release, name) : undefined;
}

/** The expected content of a download of a release. Throws CommandError if a signed list does not have the file. */
export function expectedContent(
  release: Release,
  name: string,
): Pick<ReceiveOptions, "sha256" | "size" | "maxBytes" | "plainRedirects"> {
  const sha256 = expectedDigest(release, name);
  const signedSize = release.signed ? release.sizes.get(name) : undefined;
  const maxBytes = release.sizes.get(name) ?? MAX_FILE;
  const size = signedSize === undefined ? {} : { size: signedSize };
  return { maxBytes, ...size, plainRedirects: !release.signed, ...(sha256 && { sha256 }) };
}

/**
 * The verified content of a small file of a release. Throws HttpError or CommandError, also if it is larger than 1 MiB.
 */
export async function readReleaseFile(
  directory: string,
  name: string,
  release: Release,
  host: ReleaseHost,
): Promise<Buffer> {
  const expected = expectedDigest(release, name);
  const url = releaseFile(directory, name);
  const content = await readSmall(url, { maxBytes: MAX_LIST, plainRedirects: !release.signed }, host);
  const found = createHash("sha256").update(content).digest("hex");
  checkDigest(maskUrl(url), found, expected);
  return content;
}

/** The URL or path of a file in a release directory; the query of a URL is kept. */
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
    host.log.warn(`The signature of "${list}" is not good: ${messageOf(error, list)}`);
    return { ...unsigned, files };
  }
}

/** Without verification, any redirect is followed. */
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
    // an unsigned list is not a missing release
    if (isMissing(cause)) throw new CommandError(`Nobody has signed "${shown(directory, arch)}"`, { cause });
    throw cause;
  }
}

/** The content of a URL or path, at most `maxBytes` of it. */
export async function readSmall(
  url: string,
  options: Pick<FetchOptions, "plainRedirects"> & { readonly maxBytes: number },
  host: ReleaseHost,
): Promise<Buffer> {
  if (localPath(url) !== undefined || /^https?:/i.test(url)) return await fetchBytes(url, options, host);
  // ftp is downloaded by a program that writes files
  const scratch = await mkdtemp(join(tmpdir(), "k3os-release-"));
  try {
    const file = join(scratch, "file");
    await download(url, file, options, host);
    return readBounded(file, { maxBytes: options.maxBytes });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Whether the resource is known not to exist, as opposed to unreachable. */
export function isMissing(error: unknown): boolean {
  if (error instanceof HttpError) return error.status === 404 || error.status === 410;
  return error instanceof Error && (error.cause as NodeJS.ErrnoException | undefined)?.code === "ENOENT";
}

function shown(directory: string, arch: Arch): string {
  return maskUrl(releaseFile(directory, listName(arch)));
}
