import { join } from "node:path";
import { openStage, type Part } from "../tools/generation/stage.ts";
import type { Host } from "../tools/host/host.ts";
import { FILE } from "../tools/host/paths.ts";
import type { Arch } from "../tools/host/targets.ts";
import { download } from "../tools/http/http.ts";
import { expectedContent, readReleaseFile, releaseFile } from "../tools/release/read-release.ts";
import { isVersion } from "../tools/release/version-name.ts";
import { CommandError } from "../tools/text/errors.ts";
import type { FoundRelease } from "./find-release.ts";

type FilesHost = Pick<Host, "log" | "clock" | "env" | "run">;

/** The files of a kernel: their names in a release, and in `/k3os/system/kernel/VERSION`. */
export function kernelFiles(arch: Arch): readonly { readonly from: string; readonly to: string }[] {
  return [
    { from: `k3os-initrd-${arch}`, to: FILE.initrd },
    { from: `k3os-kernel-${arch}.squashfs`, to: FILE.kernelSquashfs },
  ];
}

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

export interface FetchOptions {
  /** The path of `/k3os/system`. */
  readonly system: string;
  /** See {@link kernelVersion}. */
  readonly version: string;
  readonly signal: AbortSignal;
  /** Starts the progress display of a file. */
  readonly progress: (name: string) => Meter;
}

/** The progress display of a download; ends with the scope. */
export interface Meter extends Disposable {
  update(done: number, total?: number): void;
  finish(): void;
}

/**
 * Downloads the kernel of a release beside the existing ones. It only gets its name when everything is on the disk and
 * has the expected digests; the current version does not change. On failure nothing is left. Throws HttpError or
 * CommandError.
 */
export async function fetchKernel(
  { directory, release }: Pick<FoundRelease, "directory" | "release">,
  { system, version, signal, progress }: FetchOptions,
  host: FilesHost,
): Promise<readonly Part[]> {
  const part: Part = { component: "kernel", version };
  const stage = await openStage(system, part);
  try {
    for (const { from, to } of kernelFiles(release.arch)) {
      using meter = progress(from);
      const onProgress = (done: number, total?: number) => meter.update(done, total);
      const options = { signal, onProgress, ...expectedContent(release, from) };
      await download(releaseFile(directory, from), join(stage.path, to), options, host);
      meter.finish();
    }
    signal.throwIfAborted();
    await stage.publish();
    return [part];
  } catch (error) {
    await stage.discard();
    signal.throwIfAborted(); // do not report errors that the abort has caused
    throw error;
  }
}
