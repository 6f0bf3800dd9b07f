import type { Host } from "../host/host.ts";
import type { Arch } from "../host/targets.ts";
import { type DownloadOptions, download, fetchText } from "../http/http.ts";
import { CommandError } from "../text/errors.ts";
import release from "./k3s-release.json" with { type: "json" };

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

/** The release for images, which is also downloaded by a node without k3s. */
export function pinnedK3s(arch: Arch): K3sRelease {
  const base = `${release.url}/${encodeURIComponent(release.version)}`;
  const digests: Readonly<Record<Arch, string | null>> = release.sha256;
  return {
    version: release.version,
    url: `${base}/${ASSET[arch]}`,
    sums: `${base}/sha256sum-${arch}.txt`,
    sha256: digests[arch] ?? undefined,
  };
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
