import { DigestError } from "../fs/checksums.ts";
import type { Host } from "../host/host.ts";
import type { Arch } from "../host/targets.ts";
import { download, maskUrl, type ReceiveOptions } from "../http/http.ts";
import { sizeOf } from "../http/http-size.ts";
import { showProgress } from "../terminal/progress.ts";
import { CommandError, messageOf } from "../text/errors.ts";
import {
  chooseTrust,
  expectedContent,
  isMissing,
  type Release,
  readRelease,
  type Trust,
} from "./read-release.ts";
import { listName, signatureName } from "./release-list.ts";
import type { Signed } from "./release-memory.ts";

/** An ISO image that exists, with the known facts about its content. */
export interface IsoImage {
  /** URL, or path of a file. */
  readonly url: string;
  /** The expected digest, from a signed list; undefined if the user skips verification and there is no list. */
  readonly sha256: string | undefined;
  /** Bytes; undefined if unknown. */
  readonly size: number | undefined;
  /** Limits for its download. */
  readonly limits?: Pick<ReceiveOptions, "size" | "maxBytes" | "plainRedirects">;
  /** The release whose list names it. */
  readonly release?: Signed;
  /** The advice for an unexpected content; undefined for an ISO that the list names. */
  readonly advice?: string | undefined;
}

export interface IsoTrust {
  /** minisign public keys to trust besides the built-in ones: paths, or the keys themselves. */
  readonly keys: readonly string[];
  /** Skip verification. */
  readonly insecure: boolean;
  /** The location of the release's list, if there is none beside the ISO. */
  readonly releaseUrl?: string | undefined;
}

type IsoHost = Pick<Host, "log" | "clock" | "env" | "run">;

/**
 * Checks, without downloading it, whether an ISO exists, and reads its digest from the signed list beside it, or else
 * from the list of the release. An ISO with a name that is not in the list must have a digest of the list.
 * Throws CommandError or HttpError if it does not exist, or has no trusted signature.
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
  const { sha256, ...limits } = expectedContent(release, isRenamed ? own : name);
  const size = release.sizes.get(isRenamed ? own : name) ?? found;
  if (!isRenamed) return { url, size, sha256, limits, release };
  const expected = `the ${own} of ${release.version ?? "the release"}`;
  if (found !== undefined && found !== size) {
    throw new DigestError(`"${name}" is not ${expected}: it has ${found} bytes, expected ${size}`, {
      hint: adviceFor(arch),
    });
  }
  host.log.info(`"${name}" is not listed: it must be ${expected}`);
  return { url, size, sha256, limits, release, advice: adviceFor(arch) };
}

function adviceFor(arch: Arch): string {
  return (
    `an ISO of your own needs a list of its own beside it, ${listName(arch)} with its signature ` +
    "(sha256sum, then k3os release sign), whose key is given with --key; or --insecure-skip-verify"
  );
}

/** The release of the first place with a list. */
async function readFirst(
  places: readonly (string | undefined)[],
  query: { readonly arch: Arch; readonly trust: Trust },
  host: IsoHost,
): Promise<Release> {
  const [place = ".", ...others] = new Set(places.filter((one) => one !== undefined && one !== ""));
  try {
    return await readRelease(place, { ...query, listed: others.length > 0 }, host);
  } catch (error) {
    if (others.length > 0 && isMissing(error)) return await readFirst(others, query, host);
    if (!isMissing(error)) throw error;
    throw new CommandError(`No signed checksum file was found next to the ISO: ${messageOf(error)}`, {
      hint: `put ${listName(query.arch)} and ${signatureName(query.arch)} of its release there, or name the place of the release in K3OS_RELEASE_URL`,
    });
  }
}

/** Downloads it into `file`, which only appears with the signed content. Throws HttpError or CommandError. */
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

/** Runs the comparison of an ISO's content; a mismatch gets the ISO's advice as a hint. */
export async function withAdvice<T>({ advice }: IsoImage, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (advice === undefined || !(error instanceof DigestError)) throw error;
    throw new DigestError(error.message, { hint: advice });
  }
}

/** The name for messages, without credentials and query. */
export function isoName({ url }: Pick<IsoImage, "url">): string {
  return maskUrl(url);
}
