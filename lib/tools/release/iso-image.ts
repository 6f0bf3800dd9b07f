import { DigestError } from "../fs/checksums.ts";
import type { Host } from "../host/host.ts";
import type { Arch } from "../host/targets.ts";
import { download, maskUrl, type ReceiveOptions } from "../http/http.ts";
import { sizeOf } from "../http/http-size.ts";
import { showProgress } from "../terminal/progress.ts";
import { CommandError, messageOf } from "../text/errors.ts";
import {
  chooseTrust,
  isMissing,
  type Release,
  readRelease,
  type Trust,
  wantedContent,
} from "./read-release.ts";
import { listName, signatureName } from "./release-list.ts";
import type { Signed } from "./release-memory.ts";

/** An ISO image that is known to be there, and what is known of its content. */
export interface IsoImage {
  /** URL, or path of a file. */
  readonly url: string;
  /** What its content must be, from a signed list; undefined where the user trusts anyone and there is no list. */
  readonly sha256: string | undefined;
  /** Bytes; undefined if nobody tells. */
  readonly size: number | undefined;
  /** How it may be fetched, and how large it may be. */
  readonly limits?: Pick<ReceiveOptions, "maxBytes" | "plainRedirects">;
  /** Whose list names it. */
  readonly release?: Signed;
  /** What to do where its content is another; undefined for an ISO that the list names. */
  readonly advice?: string | undefined;
}

export interface IsoTrust {
  /** minisign public keys to trust besides those compiled in: paths, or the keys themselves. */
  readonly keys: readonly string[];
  /** Trust anyone. */
  readonly insecure: boolean;
  /** Where the list of the release lies, if there is none beside the ISO. */
  readonly releaseUrl?: string | undefined;
}

type IsoHost = Pick<Host, "log" | "clock" | "env" | "run">;

/**
 * Finds out, without fetching it, whether an ISO is there and what the signed list beside it says of it, or else the list of
 * the release. An ISO that has another name than the list knows must be the list's own by its digest.
 * Throws CommandError or HttpError if it is not there, or nobody who is trusted has signed for it.
 */
export async function checkIso(
  url: string,
  settings: IsoTrust,
  { arch }: { readonly arch: Arch },
  host: IsoHost,
): Promise<IsoImage> {
  const found = await sizeOf(url, { plainRedirects: settings.insecure }, host);
  const trust = chooseTrust(settings, host);
  const [, directory = "", name = "", query = ""] = /^([^?#]*?)([^/?#]*)([?#].*)?$/.exec(url) ?? [];
  const places = [directory === "" ? "." : directory + query, settings.releaseUrl];
  const release = await readFirst(places, { arch, trust }, host);
  const own = `k3os-${arch}.iso`;
  const isRenamed = !release.files.has(name) && release.files.has(own);
  const { sha256, ...limits } = wantedContent(release, isRenamed ? own : name);
  const size = release.sizes.get(isRenamed ? own : name) ?? found;
  if (!isRenamed) return { url, size, sha256, limits, release };
  const wanted = `the ${own} of ${release.version ?? "the release"}`;
  if (found !== undefined && found !== size) {
    throw new DigestError(`"${name}" is not ${wanted}: it has ${found} bytes, expected ${size}`, {
      hint: adviceFor(arch),
    });
  }
  host.log.info(`"${name}" is not listed: it must be ${wanted}`);
  return { url, size, sha256, limits, release, advice: adviceFor(arch) };
}

function adviceFor(arch: Arch): string {
  return (
    `an ISO of your own needs a list of its own beside it, ${listName(arch)} with its signature ` +
    "(sha256sum, then k3os release sign), whose key is given with --key; or --insecure-skip-verify"
  );
}

/** The release of the first place that has a list. */
async function readFirst(
  places: readonly (string | undefined)[],
  wanted: { readonly arch: Arch; readonly trust: Trust },
  host: IsoHost,
): Promise<Release> {
  const [place = ".", ...others] = new Set(places.filter((one) => one !== undefined && one !== ""));
  try {
    return await readRelease(place, { ...wanted, listed: others.length > 0 }, host);
  } catch (error) {
    if (others.length > 0 && isMissing(error)) return await readFirst(others, wanted, host);
    if (!isMissing(error)) throw error;
    throw new CommandError(`No signed checksum file was found next to the ISO: ${messageOf(error)}`, {
      hint: `put ${listName(wanted.arch)} and ${signatureName(wanted.arch)} of its release there, or name the place of the release in K3OS_RELEASE_URL`,
    });
  }
}

/** Fetches it into `file`, which appears only with the content that was signed. Throws HttpError or CommandError. */
export async function fetchIso(
  iso: IsoImage,
  file: string,
  host: IsoHost & Pick<Host, "progress">,
): Promise<void> {
  using progress = showProgress(`Downloading ${isoName(iso)}`, iso.size, host);
  const onProgress = (done: number, total?: number) => progress.update(done, total);
  const options = { ...iso.limits, onProgress, ...(iso.sha256 && { sha256: iso.sha256 }) };
  await withAdvice(iso, () => download(iso.url, file, options, host));
  progress.finish();
}

/** Runs what compares the content of an ISO; that it is another gets the advice that there is for it. */
export async function withAdvice<T>({ advice }: IsoImage, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (advice === undefined || !(error instanceof DigestError)) throw error;
    throw new DigestError(error.message, { hint: advice });
  }
}

/** For messages: credentials and queries stay out. */
export function isoName({ url }: Pick<IsoImage, "url">): string {
  return maskUrl(url);
}
