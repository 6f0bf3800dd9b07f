import { mkdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { type Host, systemHost } from "../../tools/host/host.ts";
import { STABLE_K3S } from "../../tools/release/k3s-release.ts";
import { releaseName, revisionOf } from "../../tools/release/release-name.ts";
import { checkVersion } from "../../tools/release/version-name.ts";
import { CommandError } from "../../tools/text/errors.ts";
import type { StepRunner } from "./build-step.ts";
import { runStep } from "./run-step.ts";

/** The context of a build. */
export interface BuildContext {
  readonly host: Host;
  /** The project's root directory. */
  readonly project: string;
  /** Finished artifacts: `dist/artifacts`. */
  readonly artifacts: string;
  /** Results of build steps for this clone only, and its signing key: `.cache`. */
  readonly cache: string;
  /** Runs the build steps. */
  readonly make: StepRunner;
  /** The release being built, e.g. `v0.36.3-k3s1r0`. */
  readonly version: string;
  /** The k3s of the release, if it is not the stable one of the table. */
  readonly k3s?: string | undefined;
  /** The base64 of public keys of releases that the program trusts besides the committed ones. */
  readonly releaseKeys: readonly string[];
  /** The time of every timestamp in an artifact, in seconds since the epoch (reproducible-builds.org). */
  readonly sourceDateEpoch: number;
  /**
   * The time in the signature of the artifacts, in seconds since the epoch: by it a node distinguishes an older list
   * from a newer one.
   */
  readonly signedAt: number;
}

const PROJECT = join(import.meta.dirname, "../../..");

/** The context of a build of this checkout. */
export function createBuildContext(
  options: Partial<Pick<BuildContext, "host" | "releaseKeys">> = {},
): BuildContext {
  const project = PROJECT;
  const host = options.host ?? systemHost();
  const manifest = JSON.parse(readFileSync(join(project, "package.json"), "utf8")) as { version: string };
  const artifacts = join(project, "dist/artifacts");
  const cache = join(project, ".cache");
  mkdirSync(artifacts, { recursive: true });
  mkdirSync(cache, { recursive: true });
  const environment = { host, project, cache, sharedCache: openSharedCache(host.env) };
  return {
    host,
    project,
    artifacts,
    cache,
    make: (step, work) => runStep(step, work, environment),
    version: checkVersion(host.env.K3OS_BUILD_VERSION || `v${manifest.version}`),
    releaseKeys: options.releaseKeys ?? [],
    // a fixed day unless overridden: the same sources result in the same bytes
    sourceDateEpoch: Number(process.env.SOURCE_DATE_EPOCH ?? 1_767_225_600),
    signedAt: Number(process.env.SOURCE_DATE_EPOCH ?? Math.floor(Date.now() / 1000)),
  };
}

/** The context of a build with a k3s, after which the release is named unless `K3OS_BUILD_VERSION` names it. */
export function withK3s(context: BuildContext, k3s: string): BuildContext {
  if (k3s === STABLE_K3S) return context;
  const named = context.host.env.K3OS_BUILD_VERSION;
  const version = named ? context.version : releaseName(k3s, revisionOf(context.version));
  return { ...context, k3s, version };
}

/**
 * The directory of results for all clones on this machine: `K3OS_BUILD_CACHE`, else below the user's cache directory.
 */
export function sharedCachePath(env: Host["env"]): string {
  const byUser = join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "k3os/build");
  return resolve(env.K3OS_BUILD_CACHE || byUser);
}

function openSharedCache(env: Host["env"]): string {
  const directory = sharedCachePath(env);
  try {
    // other users must not change the programs in it, which run as root
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    return directory;
  } catch (cause) {
    throw new CommandError(`Cannot make the build's cache "${directory}"`, {
      cause,
      hint: "name a directory that can be written to in K3OS_BUILD_CACHE",
    });
  }
}
