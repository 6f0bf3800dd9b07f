import { existsSync, realpathSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Target } from "../../tools/host/targets.ts";
import { download, HttpError } from "../../tools/http/http.ts";
import { downloadK3s, type K3sRelease, pinnedK3s as pinnedRelease } from "../../tools/release/k3s-release.ts";
import { CommandError, messageOf } from "../../tools/text/errors.ts";
import { type Made, partOf, type Step } from "../build/build-step.ts";
import { contentDigest } from "../build/content-digest.ts";
import type { BuildContext } from "../build/context.ts";

/** A k3s for the images. */
export interface K3s {
  readonly version: string;
  readonly executable: Made;
}

/** A file given by the user: it is accepted without verification. */
const urlStep: Step<{ readonly url: string }> = {
  module: import.meta.filename,
  shared: true,
  make: async ({ url }, into, { host }) => {
    await download(url, join(into, "k3s"), { mode: 0o755 }, host);
  },
};

const releaseStep: Step<Pick<Target, "arch"> & { readonly release: K3sRelease }> = {
  module: import.meta.filename,
  shared: true,
  make: async ({ arch, release }, into, { host }) => {
    host.log.info(`Downloading k3s ${release.version} …`);
    const sha256 = await downloadK3s(release, join(into, "k3s"), { retries: 1 }, host);
    if (release.sha256 === undefined) {
      host.log.warn(
        `k3s ${release.version} is not pinned: enter "${arch}": "${sha256}" in lib/tools/release/k3s-releases.json`,
      );
    }
  },
};

/**
 * The k3s of the option `--k3s`: a path or URL, `none`, or by default the pinned release. An unreachable release is
 * reported and results in none, since the first boot can download it; an invalid k3s throws CommandError.
 */
export async function resolveK3s(
  wanted: string | undefined,
  target: Target,
  context: Pick<BuildContext, "make" | "host">,
): Promise<K3s | undefined> {
  if (wanted === "none") return undefined;
  if (wanted === undefined) return pinnedK3s(target, context);
  if (!/^https?:/.test(wanted)) return localK3s(resolve(wanted), target);
  const made = await context.make(urlStep, { name: `k3s-${target.arch}`, input: { url: wanted } });
  return {
    version: versionOfUrl(wanted) ?? pinnedRelease(target.arch).version,
    executable: partOf(made, "k3s"),
  };
}

function localK3s(executable: string, target: Target): K3s {
  if (existsSync(executable)) {
    const path = realpathSync(executable);
    const digest = contentDigest(path, "git");
    return { version: pinnedRelease(target.arch).version, executable: { path, digest } };
  }
  throw new CommandError(`Cannot find the k3s "${executable}"`, {
    hint: "give --k3s a path, a URL or none",
  });
}

/** The version in the URL of a release: `…/download/v1.31.5%2Bk3s1/k3s`. */
export function versionOfUrl(url: string): string | undefined {
  return /\/(v\d+\.\d+\.\d+\+k3s\d+)\//.exec(decodeURIComponent(url))?.[1];
}

async function pinnedK3s(
  { arch }: Target,
  { make, host }: Pick<BuildContext, "make" | "host">,
): Promise<K3s | undefined> {
  const release = pinnedRelease(arch);
  const { version } = release;
  try {
    const made = await make(releaseStep, { name: `k3s-${arch}`, input: { arch, release } });
    return { version, executable: partOf(made, "k3s") };
  } catch (error) {
    // 404: the release does not exist; other statuses may come from proxies and firewalls
    if (!(error instanceof HttpError) || error.status === 404) throw error;
    host.log.warn(`Building without k3s, which the first boot then fetches: ${messageOf(error)}`);
    return undefined;
  }
}
