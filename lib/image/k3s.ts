import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { type BuildContext, cached } from "../build/context.ts";
import { CommandError, messageOf } from "../errors.ts";
import { download, fetchText } from "../http.ts";
import release from "../k3s-release.json" with { type: "json" };
import type { Arch, Target } from "../targets.ts";

/** A k3s to put into the images. */
export interface K3s {
  readonly version: string;
  readonly executable: string;
}

/** Name of the executable among the files of a k3s release. */
const ASSET: Readonly<Record<Arch, string>> = { amd64: "k3s", arm64: "k3s-arm64", arm: "k3s-armhf" };

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
  if (!/^https?:/.test(wanted)) return localK3s(resolve(wanted));
  const directory = await cached(
    { name: `k3s-${target.arch}`, inputs: [wanted] },
    async (into) => {
      await download(wanted, join(into, "k3s"), { mode: 0o755 }, context.host);
    },
    context,
  );
  return { version: versionOfUrl(wanted) ?? release.version, executable: join(directory, "k3s") };
}

function localK3s(executable: string): K3s {
  if (existsSync(executable)) return { version: release.version, executable };
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
  const { version } = release;
  const base = `${release.url}/${encodeURIComponent(version)}`;
  const asset = ASSET[target.arch];
  const pinned = (release.sha256 as Readonly<Record<Arch, string | null>>)[target.arch] ?? undefined;
  try {
    const directory = await cached(
      { name: `k3s-${target.arch}`, inputs: [base, asset, pinned ?? ""] },
      async (into) => {
        const sha256 = pinned ?? (await publishedSum(base, asset, target, context));
        host.log.info(`Downloading k3s ${version} …`);
        await download(`${base}/${asset}`, join(into, "k3s"), { sha256, mode: 0o755, retries: 1 }, host);
        if (pinned === undefined) {
          host.log.warn(
            `k3s ${version} is not pinned: enter "${target.arch}": "${sha256}" in lib/k3s-release.json`,
          );
        }
      },
      context,
    );
    return { version, executable: join(directory, "k3s") };
  } catch (error) {
    if (!(error instanceof CommandError) || /sha.?256|digest|checksum/i.test(error.message)) throw error;
    host.log.warn(`Building without k3s, which the first boot then fetches: ${messageOf(error)}`);
    return undefined;
  }
}

async function publishedSum(
  base: string,
  asset: string,
  target: Target,
  { host }: Pick<BuildContext, "host">,
): Promise<string> {
  const text = await fetchText(
    `${base}/sha256sum-${target.arch}.txt`,
    { retries: 1, deadline: 20_000 },
    host,
  );
  return sumOf(text, asset);
}

/** The sum of one file in the text of a checksum file. Throws CommandError if it is not there. */
export function sumOf(text: string, name: string): string {
  for (const line of text.split("\n")) {
    const [sum, file] = line.trim().split(/\s+\*?/);
    if (file === name && sum !== undefined && /^[0-9a-f]{64}$/.test(sum)) return sum;
  }
  throw new CommandError(`The published checksums hold none for "${name}"`);
}
