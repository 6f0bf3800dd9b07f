import type { Host } from "./host.ts";
import { download, maskUrl } from "./http.ts";
import { sizeOf } from "./http-size.ts";
import { showProgress } from "./progress.ts";
import { chooseTrust, readRelease, wantedDigest } from "./release.ts";
import type { Arch } from "./targets.ts";

/** An ISO image that is known to be there, and what is known of its content. */
export interface IsoImage {
  /** URL, or path of a file. */
  readonly url: string;
  /** What its content must be, from a signed list; undefined where the user trusts anyone and there is no list. */
  readonly sha256: string | undefined;
  /** Bytes; undefined if the server does not tell. */
  readonly size: number | undefined;
}

type IsoHost = Pick<Host, "log" | "clock" | "env" | "run">;

/**
 * Finds out, without fetching it, whether an ISO is there and what the signed list beside it says of it. `keys` are
 * trusted besides those compiled in; `insecure` trusts anyone.
 * Throws CommandError or HttpError if it is not there, or nobody who is trusted has signed for it.
 */
export async function checkIso(
  url: string,
  settings: { readonly keys: readonly string[]; readonly insecure: boolean },
  { arch }: { readonly arch: Arch },
  host: IsoHost,
): Promise<IsoImage> {
  const size = await sizeOf(url, host);
  const trust = chooseTrust(settings, host);
  const [, directory = "", name = "", query = ""] = /^([^?#]*?)([^/?#]*)([?#].*)?$/.exec(url) ?? [];
  const release = await readRelease(directory === "" ? "." : directory + query, { arch, trust }, host);
  return { url, size, sha256: wantedDigest(release, name) };
}

/** Fetches it into `file`, which appears only with the content that was signed. Throws HttpError or CommandError. */
export async function fetchIso(
  iso: IsoImage,
  file: string,
  host: IsoHost & Pick<Host, "progress">,
): Promise<void> {
  using progress = showProgress(`Downloading ${isoName(iso)}`, iso.size, host);
  const onProgress = (done: number, total?: number) => progress.update(done, total);
  await download(iso.url, file, { onProgress, ...(iso.sha256 && { sha256: iso.sha256 }) }, host);
  progress.finish();
}

/** For messages: credentials and queries stay out. */
export function isoName({ url }: Pick<IsoImage, "url">): string {
  return maskUrl(url);
}
