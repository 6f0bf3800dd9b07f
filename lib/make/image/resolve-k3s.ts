import { existsSync, mkdirSync, realpathSync, renameSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { sha256File } from "../../tools/fs/checksums.ts";
import { scratchDirectory } from "../../tools/fs/scratch-directory.ts";
import { hostTarget, type Target } from "../../tools/host/targets.ts";
import { download, HttpError } from "../../tools/http/http.ts";
import { readK3sVersion } from "../../tools/release/k3s-program.ts";
import {
  downloadK3s,
  isMinor,
  type K3sRelease,
  k3sRelease,
  STABLE_K3S,
} from "../../tools/release/k3s-release.ts";
import { CommandError, messageOf } from "../../tools/text/errors.ts";
import { type Made, partOf, type Step } from "../build/build-step.ts";
import { contentDigest } from "../build/content-digest.ts";
import type { BuildContext } from "../build/context.ts";
import { ensurePackages } from "../build/required-packages.ts";
import { k3sCachePath } from "./k3s-cache.ts";

/** The k3s of a release. */
export interface K3sChoice {
  /** The version in the images; without one in them, the version that the first boot downloads. */
  readonly version: string;
  /** Undefined: the images are without k3s. */
  readonly executable: Made | undefined;
}

/** A k3s for the images. */
export interface K3s extends K3sChoice {
  readonly executable: Made;
}

export interface K3sOptions {
  /** The images are signed for a release: their k3s must be the pinned one. */
  readonly signed: boolean;
  /** Only the version is needed: a release is not downloaded for it. */
  readonly versionOnly?: boolean;
}

type Context = Pick<BuildContext, "make" | "host">;

/** A file given by the user, with any content. */
const urlStep: Step<{ readonly url: string }> = {
  module: import.meta.filename,
  shared: true,
  make: async ({ url }, into, { host }) => {
    await download(url, join(into, "k3s"), { mode: 0o755 }, host);
  },
};

/**
 * The k3s of the option `--k3s`: a Kubernetes minor of the table (`v1.36`), an exact release (`v1.36.3+k3s1`), a path or
 * URL, or `none`; by default the stable release. A release is taken from the cache of downloads, or downloaded to it; an
 * unreachable one is reported and results in none, since the first boot can download it. The version of a path or URL is
 * the one that the program prints. Throws CommandError for a k3s that is not for the target, does not run, or has
 * another version than its name, and with `signed` for one that is not pinned.
 */
export async function resolveK3s(
  wanted: string | undefined,
  target: Target,
  options: K3sOptions,
  context: Context,
): Promise<K3sChoice> {
  const { log } = context.host;
  if (wanted === "none") {
    log.info(`The images are without k3s, as told: the first boot downloads ${STABLE_K3S}`);
    return { version: STABLE_K3S, executable: undefined };
  }
  if (wanted === undefined || isRelease(wanted)) {
    return await releasedK3s(k3sRelease(wanted ?? STABLE_K3S, target.arch), target, options, context);
  }
  const executable = await givenK3s(wanted, target, context);
  const named = versionIn(wanted);
  const version = await versionOf(executable.path, { named, remedy: "correct its name" }, target, context);
  log.info(`k3s ${version} for ${target.arch}, which --k3s names`);
  await checkPin({ version, executable }, target, options, context);
  return { version, executable };
}

/** The version in a path or URL: `…/download/v1.36.3%2Bk3s1/k3s`. */
export function versionIn(name: string): string | undefined {
  return /(?:^|\/)(v\d+\.\d+\.\d+[^/]*\+k3s[^/]*)(?:\/|$)/.exec(name.replaceAll(/%2B/gi, "+"))?.[1];
}

function isRelease(wanted: string): boolean {
  return isMinor(wanted) || /^v\d+\.\d+\.\d+\S*\+k3s[\w.-]*$/.test(wanted);
}

async function givenK3s(wanted: string, { arch }: Target, { make }: Context): Promise<Made> {
  if (/^https?:/.test(wanted))
    return partOf(await make(urlStep, { name: `k3s-${arch}`, input: { url: wanted } }), "k3s");
  const path = resolve(wanted);
  if (existsSync(path)) return fileOf(path);
  throw new CommandError(`Cannot find the k3s "${path}"`, {
    hint: "give --k3s a Kubernetes minor (v1.36), a release (v1.36.3+k3s1), a path, a URL or none",
  });
}

function fileOf(path: string): Made {
  const real = realpathSync(path);
  return { path: real, digest: contentDigest(real, "git") };
}

/** {@link resolveK3s} for one release. */
export async function releasedK3s(
  release: K3sRelease,
  target: Target,
  options: K3sOptions,
  context: Context,
): Promise<K3sChoice> {
  const { version } = release;
  if (options.versionOnly) return { version, executable: undefined };
  const { host } = context;
  const file = k3sCachePath(version, target.arch, host.env);
  if (existsSync(file)) host.log.info(`k3s ${version} for ${target.arch}, from the cache: "${file}"`);
  else if (!(await fetched(release, file, context))) return { version, executable: undefined };
  const remedy = "remove it, or move it to the directory of its version";
  await versionOf(file, { named: version, remedy }, target, context);
  const executable = fileOf(file);
  await checkPin({ version, executable }, target, options, context);
  return { version, executable };
}

/** Downloads a release to the cache; false if it is unreachable. */
async function fetched(release: K3sRelease, file: string, { host }: Context): Promise<boolean> {
  host.log.info(`Downloading k3s ${release.version} …`);
  try {
    const cache = resolve(file, "../../.."); // of all versions: a failure leaves no directory of this one
    mkdirSync(cache, { recursive: true });
    using scratch = scratchDirectory(cache, ".download-"); // a parallel build may download it too
    const downloaded = join(scratch.path, "k3s");
    await downloadK3s(release, downloaded, { retries: 1 }, host);
    mkdirSync(dirname(file), { recursive: true });
    renameSync(downloaded, file);
    return true;
  } catch (error) {
    // 404: the release does not exist; other statuses may come from proxies and firewalls
    if (!(error instanceof HttpError) || error.status === 404) throw error;
    host.log.warn(
      `The images are without k3s, which the first boot then downloads: "${file}" is missing, and ${messageOf(error, file)}`,
    );
    return false;
  }
}

/** The version that a program prints, which must be that of its name, if it has one there. */
async function versionOf(
  file: string,
  { named, remedy }: { readonly named: string | undefined; readonly remedy: string },
  target: Target,
  { host }: Context,
): Promise<string> {
  const isForeign = target.arch !== hostTarget().arch;
  if (isForeign) await ensurePackages(["qemu-user-static"], host);
  const runner = isForeign ? [`qemu-${target.qemu}-static`] : [];
  const version = await readK3sVersion(file, target, host, { runner });
  if (named === undefined || named === version) return version;
  throw new CommandError(`"${file}" is k3s ${version}, expected ${named} by its name`, { hint: remedy });
}

/** Reports a k3s that is not the pinned one; throws CommandError if it is to be signed. */
async function checkPin(
  { version, executable }: K3s,
  { arch }: Target,
  { signed }: K3sOptions,
  { host }: Context,
): Promise<void> {
  const [found, expected] = [await sha256File(executable.path), k3sRelease(version, arch).sha256];
  if (found === expected) return;
  const reason =
    expected === undefined
      ? `k3s ${version} for ${arch} is not pinned in lib/tools/release/k3s-releases.json: its sha256 is ${found}`
      : `"${executable.path}" is not the k3s ${version} of its release: its sha256 is ${found}, expected ${expected}`;
  if (!signed) return host.log.warn(reason);
  throw new CommandError(`Refusing to sign: ${reason}`, {
    hint: "sign a release with the pinned k3s, or pin this one if you trust its source",
  });
}
