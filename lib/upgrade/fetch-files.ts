import { chmodSync, linkSync, lstatSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { flushDirectory } from "../tools/fs/atomic.ts";
import { checkDigest, sha256File } from "../tools/fs/checksums.ts";
import { copyContent } from "../tools/fs/copy-content.ts";
import { freeBytes, MIB } from "../tools/fs/size.ts";
import { openStage, type Part, type Stage } from "../tools/generation/stage.ts";
import { cmd } from "../tools/host/cmd.ts";
import type { Host } from "../tools/host/host.ts";
import { type DownloadOptions, download, HttpError } from "../tools/http/http.ts";
import { expectedContent, type Release, releaseFile } from "../tools/release/read-release.ts";
import { formatBytes, showProgress } from "../tools/terminal/progress.ts";
import { CommandError, messageOf } from "../tools/text/errors.ts";
import { type FilePlan, fetchedName, neededBytes } from "./file-plan.ts";

type FetchHost = Pick<Host, "log" | "clock" | "env" | "run" | "progress">;

/** Below the system directory: downloads that have not ended. They outlive a reboot. */
export const DOWNLOADS = ".download";

/** Milliseconds for each file, at least. */
const DEADLINE = 6 * 3_600_000;
/** Milliseconds for zstd to write a file of 200 MB to a slow disk. */
const PATIENCE = 30 * 60_000;

/** A version that is to be made of the planned files. */
export interface VersionPlan extends Part {
  readonly files: readonly FilePlan[];
}

export interface FetchOptions {
  /** The path of `/k3os/system`. */
  readonly system: string;
  readonly directory: string;
  readonly release: Release;
  readonly signal: AbortSignal;
  /** Bytes per second. */
  readonly limitRate?: number | undefined;
  /** Further checks of the complete versions, before they get their names; a throw refuses all. */
  readonly check?: (stages: readonly Pick<Stage, "component" | "version" | "path">[]) => Promise<void>;
}

/**
 * Makes new versions beside the existing ones, of files that other versions have and of downloads, which continue where
 * an earlier call has ended. The versions only get their names when everything is on the disk and has the expected
 * digests; the current versions do not change. Throws HttpError or CommandError; only what may be continued is left.
 */
export async function fetchVersions(
  versions: readonly VersionPlan[],
  options: FetchOptions,
  host: FetchHost,
): Promise<readonly Part[]> {
  const { system, release, signal, check } = options;
  const all = versions.flatMap(({ files }) => files);
  keepDownloads(system, all, release);
  checkSpace(system, all, release);
  const stages: Stage[] = [];
  try {
    for (const version of versions) {
      const stage = await openStage(system, version);
      stages.push(stage);
      for (const file of version.files) await placeFile(file, stage, options, host);
    }
    await check?.(stages);
    signal.throwIfAborted(); // the last check: the rest takes no time
    for (const stage of stages) await stage.publish();
    rmSync(join(system, DOWNLOADS), { recursive: true, force: true });
    return stages.map(({ component, version }) => ({ component, version }));
  } catch (error) {
    for (const stage of stages) await stage.discard();
    const downloads = join(system, DOWNLOADS);
    const mayContinue = signal.aborted || error instanceof HttpError;
    const isEmpty = readdirSync(downloads).length === 0;
    if (!mayContinue || isEmpty) rmSync(downloads, { recursive: true, force: true });
    signal.throwIfAborted(); // do not report errors that the abort has caused
    throw error;
  }
}

/** Removes the downloads of other releases, and those that are not needed any more. */
function keepDownloads(system: string, files: readonly FilePlan[], { files: digests }: Release): void {
  const directory = join(system, DOWNLOADS);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new CommandError(`Cannot write to "${system}"`, { cause });
  }
  const needed = new Set(
    files.flatMap((file) =>
      [fetchedName(file) ?? file.name, file.name].map((name) => storedName(name, digests)),
    ),
  );
  const isNeeded = (name: string) => needed.has(name.replace(/\.partial(\.json|\.curl)?$/, ""));
  const useless = readdirSync(directory).filter((name) => !isNeeded(name));
  for (const name of useless) rmSync(join(directory, name), { recursive: true });
}

/** The digest tells the files of different releases apart. */
function storedName(name: string, digests: ReadonlyMap<string, string>): string {
  return `${digests.get(name)?.slice(0, 16)}-${name}`;
}

function checkSpace(system: string, files: readonly FilePlan[], { sizes }: Release): void {
  const held = readdirSync(join(system, DOWNLOADS), { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { name }) => sum + statSync(join(system, DOWNLOADS, name)).size, 0);
  const needed = neededBytes(files, sizes) - held + 16 * MIB;
  const free = freeBytes(system);
  if (files.length === 0 || free >= needed) return;
  throw new CommandError(
    `"${system}" has too little free space: ${formatBytes(free)}, ${formatBytes(needed)} are needed`,
  );
}

async function placeFile(
  file: FilePlan,
  stage: Stage,
  options: FetchOptions,
  host: FetchHost,
): Promise<void> {
  const path = join(stage.path, file.file);
  options.signal.throwIfAborted();
  if (file.way.kind === "present") {
    host.log.info(`${file.name} is on this node already`);
    await copyContent(file.way.path, path, { onPiece: () => undefined, signal: options.signal });
    checkDigest(file.way.path, await sha256File(path), file.sha256);
  } else if (file.way.kind === "whole" || !(await unpack(file, file.way, path, options, host))) {
    linkSync(await fetchFile(file.name, options, host), path); // the download stays until the version has its name
  }
  chmodSync(path, file.mode);
  await using handle = await open(path, "r");
  await handle.sync();
}

/** Fetches the compressed form of a file and decompresses it. Returns false, with a warning, if zstd fails at that. */
async function unpack(
  { name, sha256 }: FilePlan,
  way: Extract<FilePlan["way"], { name: string }>,
  path: string,
  options: FetchOptions,
  host: FetchHost,
): Promise<boolean> {
  const packed = await fetchFile(way.name, options, host);
  const base = way.kind === "patch" ? cmd`--patch-from=${way.base}` : [];
  try {
    // the window of a difference is as large as the file
    await host.run(cmd`zstd --quiet --force --decompress --long=31 ${base} ${packed} -o ${path}`, {
      timeout: PATIENCE,
    });
    checkDigest(name, await sha256File(path), sha256);
    return true;
  } catch (error) {
    options.signal.throwIfAborted();
    host.log.warn(`Cannot make ${name} of ${way.name}, fetching it whole: ${messageOf(error)}`);
    for (const useless of [path, packed]) rmSync(useless, { force: true });
    return false;
  }
}

/** Downloads a file of the release, or goes on with that; returns its path. */
async function fetchFile(
  name: string,
  { system, directory, release, signal, limitRate }: FetchOptions,
  host: FetchHost,
): Promise<string> {
  const path = join(system, DOWNLOADS, storedName(name, release.files));
  const isThere = lstatSync(path, { throwIfNoEntry: false })?.isFile();
  if (isThere && (await sha256File(path)) === release.files.get(name)?.toLowerCase()) return path;
  using progress = showProgress(`Downloading ${name}`, release.sizes.get(name), host);
  const slowest = limitRate === undefined ? 0 : ((release.sizes.get(name) ?? 0) * 2000) / limitRate;
  const options: DownloadOptions = {
    ...expectedContent(release, name),
    ...{ signal, limitRate, resume: true, deadline: Math.max(DEADLINE, slowest) },
    onProgress: (done, total) => progress.update(done, total),
  };
  await download(releaseFile(directory, name), path, options, host);
  flushDirectory(join(system, DOWNLOADS));
  progress.finish();
  return path;
}
