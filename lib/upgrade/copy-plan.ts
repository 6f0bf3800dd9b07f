import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  realpathSync,
  statfsSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { flushDirectory } from "../tools/fs/atomic.ts";
import { type CopyWatch, copyContent, watchCopies } from "../tools/fs/copy-content.ts";
import { type Delta, versionEntries, writeFromDelta } from "../tools/generation/delta.ts";
import type { GenerationFacts } from "../tools/generation/generation-facts.ts";
import { type Links, readLinks } from "../tools/generation/generation-links.ts";
import { openStage, type Part } from "../tools/generation/stage.ts";
import type { Host } from "../tools/host/host.ts";
import type { Component } from "../tools/host/paths.ts";
import { formatBytes, showProgress } from "../tools/terminal/progress.ts";
import { CommandError, during } from "../tools/text/errors.ts";
import type { CopySettings } from "./copy-settings.ts";
import { bootsForeignKernel } from "./own-kernel.ts";

const MIB = 1 << 20;

/** A component of a source, and the work to copy it to a destination. */
export interface CopyPart extends Part {
  /** The current version in the destination. */
  readonly from: string | undefined;
  /** Bytes to copy; 0 if the version already exists. */
  readonly size: number;
}

export interface CopyPlan {
  readonly source: string;
  readonly destination: string;
  readonly parts: readonly CopyPart[];
}

/** Throws CommandError if source or destination is not a directory, or both are the same under any name. */
export function checkDirectories({
  source,
  destination,
}: Pick<CopySettings, "source" | "destination">): void {
  for (const [name, path] of Object.entries({ source, destination })) {
    if (!lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) {
      throw new CommandError(`The ${name} "${path}" is not a directory`);
    }
  }
  if (realpathSync(source) === realpathSync(destination)) {
    throw new CommandError(`Source and destination are the same directory, "${realpathSync(source)}"`);
  }
}

/**
 * Plans the copies of an upgrade from one system directory to another, which has these `facts`. A component that only
 * the destination lacks is omitted (a board with its own kernel), one that the source lacks is an error. Also throws
 * CommandError without enough space.
 */
export function planCopy(
  { components, source, destination }: Pick<CopySettings, "components" | "source" | "destination">,
  facts: GenerationFacts,
  host: Pick<Host, "log">,
): CopyPlan {
  const offered = readLinks(source);
  const between: Between = { source, destination, offered, facts };
  const parts = components.flatMap((component) => planPart(component, between, host));
  const needed = parts.reduce((sum, { size }) => sum + size, 0);
  const { bavail, bsize } = statfsSync(destination);
  if (needed > 0 && bavail * bsize < needed + 16 * MIB) {
    const [free, wanted] = [formatBytes(bavail * bsize), formatBytes(needed + 16 * MIB)];
    throw new CommandError(`"${destination}" has too little free space: ${free}, ${wanted} are needed`);
  }
  return { source, destination, parts };
}

interface Between {
  readonly source: string;
  readonly destination: string;
  /** The versions of the source. */
  readonly offered: Links;
  /** The facts about the destination. */
  readonly facts: GenerationFacts;
}

function planPart(
  component: Component,
  { source, destination, offered, facts }: Between,
  host: Pick<Host, "log">,
): CopyPart[] {
  const version = offered[component].current;
  const from = facts.links[component].current;
  if (component === "kernel" && (from === undefined || bootsForeignKernel(destination))) {
    host.log.warn("This system has a kernel of its own, which stays as it is");
    return [];
  }
  if (version === undefined) {
    if (component === "k3os") throw new CommandError(`"${source}" has no current version of ${component}`);
    host.log.warn(`"${source}" has no ${component}: keeping the current one`);
    return [];
  }
  if (from === version) {
    host.log.info(`Skipping "${component}": its version is already current: ${version}`);
    return [];
  }
  const [here, there] = [source, destination].map((system) => join(system, component, version)) as [
    string,
    string,
  ];
  const size = facts.versions[component].includes(version) && sameSizes(here, there) ? 0 : sizeOf(here);
  return [{ component, version, from, size }];
}

/** Whether an existing version is complete, not only its beginning. */
function sameSizes(a: string, b: string, delta?: Delta): boolean {
  const other = lstatSync(b, { throwIfNoEntry: false });
  if (delta !== undefined) return other?.isFile() === true && other.size === delta.size;
  const one = lstatSync(a);
  if (!one.isDirectory()) return other?.isFile() === one.isFile() && other.size === one.size;
  return versionEntries(a).every(({ name, delta }) => sameSizes(join(a, name), join(b, name), delta));
}

function sizeOf(path: string, delta?: Delta): number {
  if (delta !== undefined) return delta.size;
  const found = lstatSync(path);
  if (!found.isDirectory()) return found.size;
  return versionEntries(path).reduce((sum, { name, delta }) => sum + sizeOf(join(path, name), delta), 0);
}

/** Copies the versions of a plan beside the existing ones; each appears completely or not at all. */
export async function copyVersions(
  plan: CopyPlan,
  signal: AbortSignal,
  host: Pick<Host, "log" | "progress">,
): Promise<void> {
  for (const { component, version, size } of plan.parts) {
    signal.throwIfAborted();
    if (size === 0) {
      host.log.info(`${component} ${version} is there already`);
      continue;
    }
    const title = `Copying ${component} ${version}`;
    host.log.info(`${title} (${formatBytes(size)}) …`);
    using progress = showProgress(title, size, host);
    const watch = watchCopies(progress, signal);
    await during(title, () => copyVersion(plan, { component, version }, watch));
    progress.finish();
  }
}

async function copyVersion(
  { source, destination }: CopyPlan,
  { component, version }: Part,
  watch: CopyWatch,
): Promise<void> {
  const stage = await openStage(destination, { component, version });
  try {
    await copyTree(join(source, component, version), stage.path, watch);
    await stage.publish();
  } catch (error) {
    await stage.discard();
    throw error;
  }
}

/** Copies the content of a directory into another, and flushes every file to the disk. */
async function copyTree(from: string, to: string, watch: CopyWatch): Promise<void> {
  for (const { name, delta } of versionEntries(from)) {
    const [here, there] = [join(from, name), join(to, name)];
    if (delta !== undefined) {
      await writeFromDelta(here, delta, there, watch);
      chmodSync(there, 0o644);
      flushDirectory(there);
      continue;
    }
    const entry = lstatSync(here);
    if (entry.isDirectory()) {
      mkdirSync(there, { mode: 0o755 });
      await copyTree(here, there, watch);
    } else if (entry.isSymbolicLink()) {
      symlinkSync(readlinkSync(here), there);
    } else {
      await copyContent(here, there, watch);
      chmodSync(there, entry.mode & 0o755);
      flushDirectory(there);
    }
  }
}
