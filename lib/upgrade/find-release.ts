import type { Host } from "../tools/host/host.ts";
import { RELEASES_URL } from "../tools/host/project.ts";
import type { Arch } from "../tools/host/targets.ts";
import { fetchResponse, fetchText, HttpError, maskUrl } from "../tools/http/http.ts";
import { downgradeError, isDowngrade, localPath } from "../tools/http/http-url.ts";
import { readChannel } from "../tools/release/read-channel.ts";
import {
  isMissing,
  type Release,
  readRelease,
  releaseFile,
  type Trust,
} from "../tools/release/read-release.ts";
import { listName } from "../tools/release/release-list.ts";
import { isVersion } from "../tools/release/version-name.ts";
import { CommandError, messageOf } from "../tools/text/errors.ts";

/** A release with its list; the signature is verified, unless verification is skipped. */
export interface FoundRelease {
  /** The URL or path of the directory with its files. */
  readonly directory: string;
  readonly release: Release;
  /** The signed version; the requested one if it is not verified. */
  readonly version: string;
}

export interface ReleaseQuery {
  readonly arch: Arch;
  readonly trust: Trust;
}

export type FindHost = Pick<Host, "log" | "clock" | "env" | "run">;

/** The possible locations of a release, and its expected version if known. */
interface Places {
  readonly directories: readonly string[];
  readonly version: string | undefined;
}

/**
 * Finds the release with the version `K3OS_VERSION`, or the latest, at `K3OS_RELEASE_URL` (default: the project's).
 * That can be GitHub's `…/releases` or the equivalent URL of its API, a mirror with a directory for each version, or
 * the directory of a single release: a URL or a path, as accepted by install.sh. The list decides: its signed version
 * must be the requested one. Throws HttpError or CommandError, with all locations that were tried.
 */
export async function findRelease({ arch, trust }: ReleaseQuery, host: FindHost): Promise<FoundRelease> {
  const base = (host.env.K3OS_RELEASE_URL || RELEASES_URL).replace(/\/+(?=$|[?#])/, "");
  const requested = host.env.K3OS_VERSION || undefined;
  if (requested !== undefined && !isVersion(requested)) {
    throw new CommandError(`K3OS_VERSION is "${requested}", which is not a version such as v0.36.3-k3s1r0`);
  }
  const places =
    requested === undefined ? await latest(base, trust, host) : await placesOf(requested, base, host);
  for (const directory of places.directories) {
    const release = await readIfThere(directory, { arch, trust }, host);
    if (release === undefined) continue;
    return { directory, release, version: agreedVersion(release, places.version, directory) };
  }
  const tried = places.directories.map((directory) => `"${maskUrl(releaseFile(directory, listName(arch)))}"`);
  throw new CommandError(
    `Cannot find release ${places.version ?? "(the latest)"}: there is no ${tried.join(", no ")}`,
    { hint: "check K3OS_RELEASE_URL, the location of the releases, and K3OS_VERSION, the expected one" },
  );
}

async function readIfThere(
  directory: string,
  query: ReleaseQuery,
  host: FindHost,
): Promise<Release | undefined> {
  try {
    return await readRelease(directory, { ...query, listed: true }, host);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** The version of a release: it must be the requested one, or the server's latest, with or without its `v`. */
function agreedVersion({ version }: Release, expected: string | undefined, directory: string): string {
  const found = version ?? expected;
  if (found === undefined) {
    throw new CommandError(`Cannot tell which version "${maskUrl(directory)}" is: its list is not signed`, {
      hint: "set K3OS_VERSION to the expected version",
    });
  }
  if (expected === undefined || bare(found) === bare(expected)) return found;
  throw new CommandError(
    `"${maskUrl(directory)}" is not release ${expected}: its list is signed for ${found}`,
  );
}

function bare(version: string): string {
  return version.replace(/^v/, "");
}

/** The possible locations of a requested version. */
async function placesOf(version: string, base: string, host: FindHost): Promise<Places> {
  if (localPath(base) !== undefined) return { version, directories: [releaseFile(base, version), base] };
  const github = base.replace(/\/latest(\/download)?(?=$|[?#])/, "");
  const asset = isApi(base) ? await apiDirectory(github, `tags/${version}`, host) : undefined;
  if (asset !== undefined) return { version, directories: [asset] };
  return { version, directories: [...versionPlaces(github, version), base] };
}

/** The layout of GitHub, and that of a plain mirror. */
function versionPlaces(base: string, version: string): string[] {
  return [releaseFile(base, `download/${version}`), releaseFile(base, version)];
}

/** The locations of the latest release. */
async function latest(base: string, trust: Trust, host: FindHost): Promise<Places> {
  const version = undefined;
  const mirror = async (): Promise<Places> => {
    const named = (await readChannel(base, trust, host))?.latest;
    const directories = [base, releaseFile(base, "latest")];
    return {
      version,
      directories: named === undefined ? directories : [releaseFile(base, named), ...directories],
    };
  };
  if (localPath(base) !== undefined || !/^https?:/i.test(base)) return await mirror();
  if (/\/download(\/[^/?#]*)?(?=$|[?#])/.test(base)) return { version, directories: [base] };
  const start = /\/latest(?=$|[?#])/.test(base) ? base : releaseFile(base, "latest");
  const found = await followLatest(start, host);
  if (found.kind === "version") {
    return {
      version: found.version,
      directories: [...versionPlaces(found.base, found.version), base],
    };
  }
  if (found.kind === "directory") return { version: found.version, directories: [found.directory] };
  return await mirror();
}

type Latest =
  | { readonly kind: "version"; readonly version: string; readonly base: string }
  | { readonly kind: "directory"; readonly version: string; readonly directory: string }
  | { readonly kind: "unknown" };

const MAX_REDIRECTS = 5;

/**
 * Requests the redirect of `…/latest`, without downloading the page behind it: only JSON, the API's answer, is read.
 */
async function followLatest(start: string, host: FindHost): Promise<Latest> {
  let url = start;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const options = { method: "HEAD", followRedirects: false } as const;
    const answer = await fetchResponse(url, options, host).catch((error: unknown) => {
      // a mirror without a "latest", or without support for HEAD
      if (error instanceof HttpError && error.status !== undefined && error.status < 500) return undefined;
      throw error;
    });
    if (answer === undefined) return { kind: "unknown" };
    const { location } = answer.headers;
    if (answer.status < 300 || location === undefined) {
      if (!/\bjson\b/.test(answer.headers["content-type"] ?? "")) return { kind: "unknown" };
      return await askApi(url, host);
    }
    const next = new URL(location, url).href;
    if (isDowngrade(url, next)) throw downgradeError(url, next);
    url = next;
    const [, before = "", last = ""] = /^(.*?)\/([^/?#]*)\/?([?#].*)?$/.exec(url) ?? [];
    const version = decodeURIComponent(last);
    // `…/releases/tag/VERSION`; a renamed repository first redirects to its new `…/latest`
    if (version !== "latest" && isVersion(version)) {
      return { kind: "version", version, base: before.replace(/\/tag$/, "") };
    }
  }
  throw new CommandError(`Cannot find the latest release: "${maskUrl(start)}" redirects in circles`);
}

/** Whether a base URL is GitHub's API, or compatible: https://docs.github.com/rest/releases */
function isApi(base: string): boolean {
  return /^https?:\/\/(api\.|[^/]*\/(.*\/)?repos\/)/.test(base);
}

async function apiDirectory(base: string, path: string, host: FindHost): Promise<string | undefined> {
  const answer = await askApi(releaseFile(base, path), host);
  return answer.kind === "directory" ? answer.directory : undefined;
}

/** The API's data of a release: its tag, and the location of its files. */
async function askApi(url: string, host: FindHost): Promise<Latest> {
  const text = await fetchText(url, {}, host);
  try {
    const { tag_name, assets = [] } = JSON.parse(text) as {
      readonly tag_name: unknown;
      readonly assets?: readonly { readonly browser_download_url: string }[];
    };
    if (typeof tag_name !== "string" || !isVersion(tag_name)) throw new CommandError("it has no tag_name");
    const files = assets[0]?.browser_download_url;
    const base = url.replace(/\/(latest|tags\/[^/]*)$/, "");
    if (files !== undefined && isDowngrade(url, files)) throw downgradeError(url, files);
    if (files === undefined) return { kind: "version", version: tag_name, base };
    return { kind: "directory", version: tag_name, directory: files.replace(/\/[^/]*$/, "") };
  } catch (error) {
    throw new CommandError(`"${maskUrl(url)}" does not describe a release: ${messageOf(error)}`);
  }
}
