import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { COMMANDS } from "../../bin/commands.ts";
import { createBuildContext, withK3s } from "../../lib/make/build/context.ts";
import { buildExecutable } from "../../lib/make/executable/executable.ts";
import { makeImages } from "../../lib/make/image/build-artifacts.ts";
import { k3sCachePath } from "../../lib/make/image/k3s-cache.ts";
import { resolveK3s } from "../../lib/make/image/resolve-k3s.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { minorOf, minorsBefore } from "../../lib/tools/release/k3s-release.ts";
import type { ReleaseFiles } from "./installed-disk.ts";

const target = hostTarget();

/** The directory of the cache that has a directory for each version of k3s. */
const VERSIONS = dirname(dirname(dirname(k3sCachePath("VERSION", target.arch, process.env))));

/** A k3s in the cache whose Kubernetes is one minor before that of `k3s`, or why there is none. */
export function earlierK3s(k3s: string): { readonly version?: string; readonly missing?: string } {
  const [minor] = minorsBefore(k3s).filter((name) => name !== minorOf(k3s));
  const versions = existsSync(VERSIONS) ? readdirSync(VERSIONS) : [];
  const version = versions.find((name) => {
    return minorOf(name) === minor && existsSync(k3sCachePath(name, target.arch, process.env));
  });
  return version === undefined ? { missing: `"${VERSIONS}" has no k3s ${minor}` } : { version };
}

/** Makes the release of k3OS for a k3s of the cache, from this checkout; the executable in `directory`. */
export async function makeReleaseOf(
  k3s: string,
  directory: string,
): Promise<ReleaseFiles & { readonly version: string }> {
  const base = createBuildContext();
  const choice = await resolveK3s(k3s, target, { signed: false }, base);
  mkdirSync(directory, { recursive: true });
  const context = { ...withK3s(base, choice.version), artifacts: directory };
  const executable = await buildExecutable(target, context);
  const built = await makeImages(target, { executable, k3s: choice, commands: COMMANDS }, context);
  const tarball = built[`k3os-rootfs-${target.arch}.tar.gz`];
  if (tarball === undefined) throw new Error("The build made no tarball");
  return { version: context.version, executable: join(directory, `k3os-${target.arch}`), tarball };
}
