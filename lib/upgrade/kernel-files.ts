import type { Host } from "../tools/host/host.ts";
import type { Arch } from "../tools/host/targets.ts";
import { readReleaseFile } from "../tools/release/read-release.ts";
import { isVersion } from "../tools/release/version-name.ts";
import { CommandError } from "../tools/text/errors.ts";
import type { FoundRelease } from "./find-release.ts";

type FilesHost = Pick<Host, "log" | "clock" | "env" | "run">;

/** The file of a release with the version of its kernel. */
export function kernelVersionFile(arch: Arch): string {
  return `k3os-kernel-version-${arch}`;
}

/**
 * The kernel version of a release, such as `6.12.57+deb13-amd64`: the only line of its file `k3os-kernel-version-ARCH`,
 * which must be in the list. Throws HttpError or CommandError.
 */
export async function kernelVersion(
  { directory, release }: Pick<FoundRelease, "directory" | "release">,
  host: FilesHost,
): Promise<string> {
  const name = kernelVersionFile(release.arch);
  const text = (await readReleaseFile(directory, name, release, host)).toString();
  const version = text.replace(/\n$/, "");
  if (isVersion(version)) return version;
  const found = version === "" ? "it is empty" : "it does not hold one version and nothing else";
  throw new CommandError(`Unable to determine kernel version from "${name}": ${found}`);
}
