import type { Host } from "../host/host.ts";
import type { Arch } from "../host/targets.ts";
import { type DownloadOptions, download, fetchText } from "../http/http.ts";
import { CommandError } from "../text/errors.ts";
import table from "./k3s-releases.json" with { type: "json" };

/** Set by the build (`--define`) if the release carries another k3s than the stable one. */
declare const K3OS_K3S: string | undefined;

/** A release of k3s for one architecture. */
export interface K3sRelease {
  readonly version: string;
  /** URL of the executable. */
  readonly url: string;
  /** URL of the release's own checksums. */
  readonly sums: string;
  /** Digest of the executable; undefined if none is pinned. */
  readonly sha256: string | undefined;
}

/** The asset name of the executable in a release. */
const ASSET: Readonly<Record<Arch, string>> = { amd64: "k3s", arm64: "k3s-arm64", arm: "k3s-armhf" };

/** The size limit of the executable in bytes; current ones have 70 MB. */
const MAX_EXECUTABLE = 512 << 20;

interface Row {
  readonly version: string;
  readonly from: readonly string[];
  readonly sha256: Readonly<Record<Arch, string | null>>;
}

const MINORS: Readonly<Record<string, Row>> = table.minors;

/** The Kubernetes minors that have a release in the table, the oldest first: `v1.36`. */
export const K3S_MINORS: readonly string[] = Object.keys(MINORS);

/** The k3s of a build that selects none. */
export const STABLE_K3S: string = rowOf(table.stable).version;

/** The k3s of this release of k3OS, also when its image was built without it. */
export const OWN_K3S: string = typeof K3OS_K3S === "string" ? K3OS_K3S : STABLE_K3S;

/** The release that a node without k3s downloads. */
export function pinnedK3s(arch: Arch): K3sRelease {
  return k3sRelease(OWN_K3S, arch);
}

/**
 * The release for a Kubernetes minor of the table (`v1.36`), or an exact version (`v1.36.3+k3s1`), which need not be in
 * it. Throws CommandError for another minor.
 */
export function k3sRelease(wanted: string, arch: Arch): K3sRelease {
  const version = isMinor(wanted) ? rowOf(wanted).version : wanted;
  const base = `${table.url}/${encodeURIComponent(version)}`;
  return {
    version,
    url: `${base}/${ASSET[arch]}`,
    sums: `${base}/sha256sum-${arch}.txt`,
    sha256: rowFor(version)?.sha256[arch] ?? undefined,
  };
}

/** Whether a text names a Kubernetes minor: `v1.36`. */
export function isMinor(text: string): boolean {
  return /^v\d+\.\d+$/.test(text);
}

/** The Kubernetes minor of a version of k3s, or of Kubernetes: `v1.36`; undefined for a text that is no version. */
export function minorOf(version: string): string | undefined {
  const [, major, minor] = /^v?(\d+)\.(\d+)\.\d+(?!\d)/.exec(version) ?? [];
  return major === undefined ? undefined : `v${major}.${minor}`;
}

/**
 * The Kubernetes minors from which a server may step to a version of k3s: its own, and the one before it
 * (https://kubernetes.io/releases/version-skew-policy/). None for a text that is no version.
 */
export function minorsBefore(version: string): readonly string[] {
  const minor = minorOf(version);
  if (minor === undefined) return [];
  const row = MINORS[minor];
  if (row !== undefined) return row.from;
  const [major = "", number = ""] = minor.split(".");
  return number === "0" ? [minor] : [`${major}.${Number(number) - 1}`, minor];
}

/** What a release with a version of k3s declares; undefined for a text that is no version. */
export function declaredK3s(version: string): { version: string; from: readonly string[] } | undefined {
  const from = minorsBefore(version);
  return from.length === 0 ? undefined : { version, from };
}

function rowOf(minor: string): Row {
  const row = MINORS[minor];
  if (row !== undefined) return row;
  throw new CommandError(`No k3s of Kubernetes ${minor} is known: expected one of ${K3S_MINORS.join(", ")}`, {
    hint: "name an exact version, such as v1.34.1+k3s1, or enter one in lib/tools/release/k3s-releases.json",
  });
}

function rowFor(version: string): Row | undefined {
  return Object.values(MINORS).find((row) => row.version === version);
}

/**
 * Downloads the executable of a release to `file`. It must have the pinned digest or, if there is none, the digest that
 * the release publishes. Returns the digest. Throws HttpError or CommandError, and leaves nothing then.
 */
export async function downloadK3s(
  { url, sums, sha256 }: K3sRelease,
  file: string,
  limits: Pick<DownloadOptions, "timeout" | "retries" | "onProgress">,
  host: Pick<Host, "log" | "clock" | "env" | "run">,
): Promise<string> {
  const { onProgress: _, ...tries } = limits;
  const wanted = sha256 ?? sumOf(await fetchText(sums, tries, host), url.slice(url.lastIndexOf("/") + 1));
  return (
    await download(url, file, { ...limits, sha256: wanted, maxBytes: MAX_EXECUTABLE, mode: 0o755 }, host)
  ).sha256;
}

/** The digest of one file in the text of a checksum file. Throws CommandError if it is not listed. */
function sumOf(text: string, name: string): string {
  for (const line of text.split("\n")) {
    const [sum, file] = line.trim().split(/\s+\*?/);
    if (file === name && sum !== undefined && /^[0-9a-f]{64}$/.test(sum)) return sum;
  }
  throw new CommandError(`The published checksums hold none for "${name}"`);
}
