import { existsSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { type Mount, mountOf } from "../tools/disk/mount.ts";
import { locateFile } from "../tools/fs/links.ts";
import { writeTarball } from "../tools/fs/pack-tarball.ts";
import { cmd } from "../tools/host/cmd.ts";
import type { Host } from "../tools/host/host.ts";
import { inRoot, PATH, UNIT } from "../tools/host/paths.ts";
import { timeName } from "../tools/host/time-name.ts";
import { CommandError } from "../tools/text/errors.ts";
import type { ResetFacts } from "./reset-facts.ts";

/** A server's datastore with its certificates, token and manifests. */
const DATASTORE = "/var/lib/rancher/k3s/server";

/** What a node cannot get from anywhere else: its configuration and identity, its datastore, the files of its people. */
const BACKED_UP = [PATH.localState, DATASTORE, "/var/lib/connman", "/home", "/root"];

/** Kinds of file systems that are gone after a restart. */
const IN_MEMORY = ["tmpfs", "ramfs"];

/**
 * The file that a backup is written to: the one that was named, or one with a name of ours in the directory that was.
 * Throws CommandError where it would not outlive the reset.
 */
export function backupFile(
  given: string,
  { mounts, keep }: Pick<ResetFacts, "mounts" | "keep">,
  host: Pick<Host, "root" | "clock">,
): string {
  const path = resolve(given);
  const isDirectory = statSync(inRoot(host, path), { throwIfNoEntry: false })?.isDirectory() ?? false;
  const name = `k3os-backup-${hostname()}-${timeName(host)}.tar.gz`;
  const directory = isDirectory ? path : dirname(path);
  const found = locateFile(host.root, directory);
  if (found === undefined)
    throw new CommandError(`Cannot back up to "${given}": there is no directory "${directory}"`);
  const real = `/${found.slice(host.root.length).replace(/^\//, "")}`;
  const why = unsafe(real, mounts, keep);
  if (why !== undefined) {
    throw new CommandError(`Cannot back up to "${given}": ${why}`, {
      hint: "choose a place on another disk",
    });
  }
  return join(inRoot(host, real), isDirectory ? name : basename(path));
}

function unsafe(directory: string, mounts: readonly Mount[], keep: readonly string[]): string | undefined {
  const mount = mountOf(directory, mounts);
  if (mount === undefined) return "its disk is unknown";
  if (IN_MEMORY.includes(mount.type)) return "it is in memory, and gone after the restart";
  if (mount.target === "/boot" || keep.some((path) => `${directory}/`.startsWith(`${path}/`)))
    return undefined;
  // a directory of the data may be mounted in another place, too
  const data = mounts.findLast(({ target }) => target === "/");
  const isApart = mount.source !== data?.source && mount.type !== "overlay";
  return isApart ? undefined : "it is below a deleted path";
}

/**
 * Writes what a node cannot get from anywhere else and would be deleted into a `.tar.gz`. Returns the paths that are in it.
 * Throws CommandError, also while k3s runs, whose datastore could be copied in the middle of a change.
 */
export async function writeBackup(
  file: string,
  { keep }: Pick<ResetFacts, "keep">,
  host: Pick<Host, "root" | "run">,
): Promise<readonly string[]> {
  const isKept = (path: string) => keep.some((kept) => `${path}/`.startsWith(`${kept}/`));
  const paths = BACKED_UP.filter((path) => existsSync(inRoot(host, path)) && !isKept(path));
  if (paths.includes(DATASTORE)) await requireStopped(host);
  const members = paths.map((path) => {
    return { name: path.slice(1), source: inRoot(host, path), type: "directory" as const };
  });
  await writeTarball(
    file,
    members,
    (path) => path !== file && !keep.some((kept) => inRoot(host, kept) === path),
  );
  return paths;
}

async function requireStopped(host: Pick<Host, "run">): Promise<void> {
  const { stdout } = await host.run(cmd`systemctl is-active ${UNIT.k3s}`, { check: false });
  if (["inactive", "failed", "unknown"].includes(stdout.trim())) return;
  throw new CommandError("k3s runs, and its datastore might change while it is copied", {
    hint: `stop it first: systemctl stop ${UNIT.k3s}`,
  });
}
