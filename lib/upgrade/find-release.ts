import type { Host } from "../tools/host/host.ts";
import { RELEASES_URL } from "../tools/host/project.ts";
import type { Arch } from "../tools/host/targets.ts";
import { fetchResponse, fetchText, HttpError, maskUrl } from "../tools/http/http.ts";
import { downgradeError, isDowngrade, localPath } from "../tools/http/http-url.ts";
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

/** A release that was found, its list read and, where anyone is not trusted, its signature verified. */
export interface FoundRelease {
  /** The URL or path of the directory with its files. */
  readonly directory: string;
  readonly release: Release;
  /** As it is signed; what was asked for where nobody vouches for it. */
  readonly version: string;
}

export interface WantedUpgrade {
  readonly arch: Arch;
  readonly trust: Trust;
}

type FindHost = Pick<Host, "log" | "clock" | "env" | "run">;

/** Where a release may lie, and what its version must be if that is known. */
interface Places {
  readonly directories: readonly string[];
  readonly version: string | undefined;
}

/**
 * Finds the release that `K3OS_VERSION` names, or the latest, at `K3OS_RELEASE_URL` (default: the project's). That can be
 * GitHub's `…/releases` or the same of its API, a mirror with a directory for each version, or one release's own
 * directory: a URL or a path, as install.sh takes it. The list decides: its signed version must be the one asked for.
 * Throws HttpError or CommandError, which name all places that were looked at.
 */
export async function findRelease({ arch, trust }: WantedUpgrade, host: FindHost): Promise<FoundRelease> {
  const base = (host.env.K3OS_RELEASE_URL || RELEASES_URL).replace(/\/+(?=$|[?#])/, "");
  const asked = host.env.K3OS_VERSION || undefined;
  if (asked !== undefined && !isVersion(asked)) {
    throw new CommandError(`K3OS_VERSION is "${asked}", which is not a version such as v0.30.0`);
  }
  const places = asked === undefined ? await latest(base, host) : await placesOf(asked, base, host);
  for (const directory of places.directories) {
    const release = await readIfThere(directory, { arch, trust }, host);
    if (release === undefined) continue;
    return { directory, release, version: agreedVersion(release, places.version, directory) };
  }
  const tried = places.directories.map((directory) => `"${maskUrl(releaseFile(directory, listName(arch)))}"`);
  throw new CommandError(
    `Cannot find release ${places.version ?? "(the latest)"}: there is no ${tried.join(", no ")}`,
    { hint: "K3OS_RELEASE_URL says where releases lie, K3OS_VERSION which is wanted" },
  );
}

async function readIfThere(
  directory: string,
  wanted: WantedUpgrade,
  host: FindHost,
): Promise<Release | undefined> {
  try {
    return await readRelease(directory, { ...wanted, listed: true }, host);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** The version must be the one that was asked for or that the server called the latest, with or without its `v`. */
function agreedVersion({ version }: Release, wanted: string | undefined, directory: string): string {
  const found = version ?? wanted;
  if (found === undefined) {
    throw new CommandError(`Cannot tell which version "${maskUrl(directory)}" is: its list is not signed`, {
      hint: "name it in K3OS_VERSION",
    });
  }
  if (wanted === undefined || bare(found) === bare(wanted)) return found;
  throw new CommandError(`"${maskUrl(directory)}" is not release ${wanted}: its list is signed for ${found}`);
}

function bare(version: string): string {
  return version.replace(/^v/, "");
}

/** Where a version may lie that was asked for by name. */
async function placesOf(version: string, base: string, host: FindHost): Promise<Places> {
  if (localPath(base) !== undefined) return { version, directories: [releaseFile(base, version), base] };
  const github = base.replace(/\/latest(\/download)?(?=$|[?#])/, "");
  const asset = isApi(base) ? await apiDirectory(github, `tags/${version}`, host) : undefined;
  if (asset !== undefined) return { version, directories: [asset] };
  return { version, directories: [...versionPlaces(github, version), base] };
}

/** GitHub's way, and that of a plain mirror. */
function versionPlaces(base: string, version: string): string[] {
  return [releaseFile(base, `download/${version}`), releaseFile(base, version)];
}

/** Where the latest release lies. */
async function latest(base: string, host: FindHost): Promise<Places> {
  const version = undefined;
  const local = [base, releaseFile(base, "latest")];
  if (localPath(base) !== undefined || !/^https?:/i.test(base)) return { version, directories: local };
  if (/\/download(\/[^/?#]*)?(?=$|[?#])/.test(base)) return { version, directories: [base] };
  const start = /\/latest(?=$|[?#])/.test(base) ? base : releaseFile(base, "latest");
  const told = await followLatest(start, host);
  if (told.kind === "version") {
    return { version: told.version, directories: [...versionPlaces(told.base, told.version), base] };
  }
  if (told.kind === "directory") return { version: told.version, directories: [told.directory] };
  return { version, directories: local };
}

type Latest =
  | { readonly kind: "version"; readonly version: string; readonly base: string }
  | { readonly kind: "directory"; readonly version: string; readonly directory: string }
  | { readonly kind: "unknown" };

const MAX_REDIRECTS = 5;

/** Asks `…/latest` where it leads to, without fetching the page behind it: only JSON, the API's answer, is read. */
async function followLatest(start: string, host: FindHost): Promise<Latest> {
  let url = start;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const options = { method: "HEAD", followRedirects: false } as const;
    const answer = await fetchResponse(url, options, host).catch((error: unknown) => {
      // a mirror without a "latest", or one that knows no HEAD
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
    // `…/releases/tag/VERSION`; a repository that was renamed redirects to its new `…/latest` first
    if (version !== "latest" && isVersion(version)) {
      return { kind: "version", version, base: before.replace(/\/tag$/, "") };
    }
  }
  throw new CommandError(`Cannot find the latest release: "${maskUrl(start)}" leads in circles`);
}

/** Whether a base is that of GitHub's API, or one like it: https://docs.github.com/rest/releases */
function isApi(base: string): boolean {
  return /^https?:\/\/(api\.|[^/]*\/(.*\/)?repos\/)/.test(base);
}

async function apiDirectory(base: string, path: string, host: FindHost): Promise<string | undefined> {
  const told = await askApi(releaseFile(base, path), host);
  return told.kind === "directory" ? told.directory : undefined;
}

/** What the API says of a release: its tag, and where its files can be fetched from. */
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
    throw new CommandError(`"${maskUrl(url)}" does not tell of a release: ${messageOf(error)}`);
  }
}
