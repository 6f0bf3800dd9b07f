import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Target } from "../../tools/host/targets.ts";
import { download, HttpError } from "../../tools/http/http.ts";
import { downloadK3s, pinnedK3s as pinnedRelease } from "../../tools/release/k3s-release.ts";
import { CommandError, messageOf } from "../../tools/text/errors.ts";
import { type BuildContext, cached } from "../build/context.ts";

/** A k3s to put into the images. */
export interface K3s {
  readonly version: string;
  readonly executable: string;
}

/**
 * The k3s that `--k3s` means: a path or URL, `none`, or by default the pinned release. An unreachable release is said
 * and gives none, since the first boot can fetch it; whatever is wrong with a k3s that is there throws CommandError.
 */
export async function resolveK3s(
  wanted: string | undefined,
  target: Target,
  context: BuildContext,
): Promise<K3s | undefined> {
  if (wanted === "none") return undefined;
  if (wanted === undefined) return pinnedK3s(target, context);
  if (!/^https?:/.test(wanted)) return localK3s(resolve(wanted), target);
  const directory = await cached(
    { name: `k3s-${target.arch}`, inputs: [wanted] },
    async (into) => {
      await download(wanted, join(into, "k3s"), { mode: 0o755 }, context.host);
    },
    context,
  );
  return {
    version: versionOfUrl(wanted) ?? pinnedRelease(target.arch).version,
    executable: join(directory, "k3s"),
  };
}

function localK3s(executable: string, target: Target): K3s {
  if (existsSync(executable)) return { version: pinnedRelease(target.arch).version, executable };
  throw new CommandError(`Cannot find the k3s "${executable}"`, {
    hint: "give --k3s a path, a URL or none",
  });
}

/** The version in the URL of a release: `…/download/v1.31.5%2Bk3s1/k3s`. */
export function versionOfUrl(url: string): string | undefined {
  return /\/(v\d+\.\d+\.\d+\+k3s\d+)\//.exec(decodeURIComponent(url))?.[1];
}

async function pinnedK3s(target: Target, context: BuildContext): Promise<K3s | undefined> {
  const { host } = context;
  const release = pinnedRelease(target.arch);
  const { version } = release;
  try {
    const directory = await cached(
      { name: `k3s-${target.arch}`, inputs: [release.url, release.sha256 ?? ""] },
      async (into) => {
        host.log.info(`Downloading k3s ${version} …`);
        const sha256 = await downloadK3s(release, join(into, "k3s"), { retries: 1 }, host);
        if (release.sha256 === undefined) {
          host.log.warn(
            `k3s ${version} is not pinned: enter "${target.arch}": "${sha256}" in lib/tools/release/k3s-release.json`,
          );
        }
      },
      context,
    );
    return { version, executable: join(directory, "k3s") };
  } catch (error) {
    // 404: there is no such release; other answers come from proxies and firewalls as well
    if (!(error instanceof HttpError) || error.status === 404) throw error;
    host.log.warn(`Building without k3s, which the first boot then fetches: ${messageOf(error)}`);
    return undefined;
  }
}
