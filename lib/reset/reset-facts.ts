import { existsSync, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type Mount, mountOf, parseMountinfo } from "../tools/disk/mount.ts";
import { locateFile } from "../tools/fs/links.ts";
import { readTextIfThere } from "../tools/fs/read-bounded.ts";
import type { Host } from "../tools/host/host.ts";
import { inRoot, MARKER, PATH } from "../tools/host/paths.ts";
import { checkKeptPath } from "../tools/node/reset-marker.ts";
import { runningMode } from "../tools/node/running-mode.ts";
import { CommandError, UsageError } from "../tools/text/errors.ts";

/** An entry below "/", with its size on the disk. */
export interface Entry {
  readonly path: string;
  readonly bytes: number;
}

/** The data of the running system, and the part that a reset keeps. */
export interface ResetFacts {
  /** `local`, `live` …; undefined outside of k3OS. */
  readonly mode: string | undefined;
  /** Every boot deletes all data anyway. */
  readonly ephemeral: boolean;
  readonly mounts: readonly Mount[];
  /** The paths to keep, with links resolved. */
  readonly keep: readonly string[];
}

/** Gathers the facts for a reset. It only reads. Throws CommandError for a path that cannot be kept. */
export function gatherResetFacts(keep: readonly string[], host: Pick<Host, "root">): ResetFacts {
  const mounts = parseMountinfo(readTextIfThere(inRoot(host, "/proc/self/mountinfo")) ?? "");
  const facts = {
    mode: runningMode(host),
    ephemeral: existsSync(join(inRoot(host, PATH.system), MARKER.ephemeral)),
    mounts,
  };
  if (facts.mode !== "local") return { ...facts, keep: [] };
  return { ...facts, keep: [...new Set(keep.map((path) => keptPath(path, mounts, host)))] };
}

/** The location in the data of a path that the user wants to keep. */
function keptPath(input: string, mounts: readonly Mount[], host: Pick<Host, "root">): string {
  const path = `/${input}`.replaceAll(/\/+/g, "/").replace(/(.)\/$/, "$1");
  if (path.split("/").includes(".."))
    throw new UsageError(`Cannot keep "${input}": expected a path without ".."`);
  if (path === "/") throw new UsageError('Cannot keep "/": nothing would be deleted');
  const found = locateFile(host.root, path);
  if (found === undefined) throw new CommandError(`Cannot keep "${input}": there is nothing`);
  const real = `/${found.slice(host.root.length).replace(/^\//, "")}`;
  const mount = mountOf(real, mounts);
  if (mount?.target === "/") return checkKeptPath(real);
  const why = [PATH.system, "/boot"].includes(mount?.target ?? "")
    ? "a reset does not touch it"
    : "it is not on the disk, but rebuilt at each boot";
  throw new CommandError(`Cannot keep "${input}": ${why}`);
}

/** Directories whose entries are listed one by one. */
const OPENED = ["/", "/var", "/var/lib", "/var/lib/rancher", "/var/lib/rancher/k3s"];

/**
 * The entries that a reset deletes and keeps; without mount points, which are not on a disk or not part of the data.
 */
export function measureData(
  { mounts, keep }: Pick<ResetFacts, "mounts" | "keep">,
  host: Pick<Host, "root">,
): { readonly deleted: readonly Entry[]; readonly kept: readonly Entry[] } {
  const mounted = new Set(mounts.map(({ target }) => target));
  mounted.delete("/");
  const [deleted, kept]: [Entry[], Entry[]] = [[], []];
  const bytesOf = (path: string): number => {
    const stat = lstatSync(inRoot(host, path), { throwIfNoEntry: false });
    if (stat === undefined || mounted.has(path)) return 0;
    const names = stat.isDirectory() ? readdirSync(inRoot(host, path)) : [];
    return names.reduce((sum, name) => sum + bytesOf(join(path, name)), stat.blocks * 512);
  };
  const leadsTo = (path: string, others: Iterable<string>) =>
    [...others].some((other) => other.startsWith(`${path}/`));
  const isOpened = (path: string) =>
    OPENED.includes(path) || leadsTo(path, keep) || (isAtTop(path) && leadsTo(path, mounted));
  const visit = (path: string): void => {
    if (mounted.has(path)) return;
    const stat = lstatSync(inRoot(host, path), { throwIfNoEntry: false });
    if (keep.includes(path)) kept.push({ path, bytes: bytesOf(path) });
    else if (stat?.isDirectory() && isOpened(path)) {
      for (const name of readdirSync(inRoot(host, path))) visit(join(path, name));
    } else if (stat !== undefined && !(stat.isSymbolicLink() && isAtTop(path))) {
      deleted.push({ path, bytes: bytesOf(path) });
    }
  };
  visit("/");
  return { deleted, kept };
}

function isAtTop(path: string): boolean {
  return path.lastIndexOf("/") === 0;
}
