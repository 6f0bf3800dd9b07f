import { readdirSync } from "node:fs";
import type { Host } from "../tools/host/host.ts";
import { fetchText, HttpError } from "../tools/http/http.ts";
import { localPath } from "../tools/http/http-url.ts";
import { releaseFile } from "../tools/release/read-release.ts";
import { isVersion } from "../tools/release/version-name.ts";
import { versionOrder } from "../tools/release/version-order.ts";

type ListHost = Pick<Host, "log" | "clock" | "env">;

/**
 * The names of the releases at `base` (K3OS_RELEASE_URL), the newest first: of GitHub's API, of a server that lists its
 * directories, or of a directory. Empty if that does not tell. Names prove nothing: each list is verified when it is
 * read. Throws HttpError if the server does not answer.
 */
export async function listReleases(base: string, host: ListHost): Promise<readonly string[]> {
  const path = localPath(base);
  const names = path === undefined ? await namesFrom(indexOf(base), host) : namesIn(path);
  const releases = [...new Set(names)].filter((name) => /^v?\d+\.\d+\.\d+/.test(name) && isVersion(name));
  return releases.sort(versionOrder).reverse();
}

/** The address of the list for that of the releases; the page of a project has its list at GitHub's API. */
function indexOf(base: string): string {
  const all = base.replace(/\/latest(\/download)?(?=$|[?#])/, "");
  const [, project] = /^https:\/\/github\.com\/([^/]+\/[^/]+)\/releases$/.exec(all) ?? [];
  if (project !== undefined) return `https://api.github.com/repos/${project}/releases?per_page=100`;
  return /\/repos\//.test(all) ? `${all}?per_page=100` : releaseFile(all, "");
}

async function namesFrom(url: string, host: ListHost): Promise<readonly string[]> {
  let text: string;
  try {
    text = await fetchText(url, { maxBytes: 8 << 20 }, host);
  } catch (error) {
    // a server that lists nothing
    if (error instanceof HttpError && error.status !== undefined && error.status < 500) return [];
    throw error;
  }
  return tagsIn(text) ?? linksIn(text);
}

/** https://docs.github.com/rest/releases/releases#list-releases */
function tagsIn(text: string): readonly string[] | undefined {
  try {
    const releases = JSON.parse(text) as readonly {
      tag_name?: string;
      draft?: boolean;
      prerelease?: boolean;
    }[];
    if (!Array.isArray(releases)) return undefined;
    return releases.flatMap(({ tag_name: tag, draft, prerelease }) =>
      !tag || draft || prerelease ? [] : [tag],
    );
  } catch {
    return undefined; // a page
  }
}

/** The directories that a page of nginx, Apache or Caddy links to. */
function linksIn(page: string): readonly string[] {
  return [...page.matchAll(/href="(?:\.\/)?([^"/?#]+)\/"/g)].map(([, name = ""]) => {
    return URL.canParse(`http://host/${name}`) ? decodeURIComponent(name) : name;
  });
}

function namesIn(directory: string): readonly string[] {
  return readdirSync(directory);
}
