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

/** Data that a node cannot restore from elsewhere: its configuration and identity, its datastore, its users' files. */
const BACKED_UP = [PATH.localState, DATASTORE, "/var/lib/connman", "/home", "/root"];

/** File system types that lose their content at a reboot. */
const IN_MEMORY = ["tmpfs", "ramfs"];

/**
 * The file of a backup: the named one, or a generated name in the named directory.
 * Throws CommandError if it would not survive the reset.
 */
export function backupFile(
  destination: string,
  { mounts, keep }: Pick<ResetFacts, "mounts" | "keep">,
  host: Pick<Host, "root" | "clock">,
): string {
  const path = resolve(destination);
  const isDirectory = statSync(inRoot(host, path), { throwIfNoEntry: false })?.isDirectory() ?? false;
  const name = `k3os-backup-${hostname()}-${timeName(host)}.tar.gz`;
  const directory = isDirectory ? path : dirname(path);
  const found = locateFile(host.root, directory);
  if (found === undefined)
    throw new CommandError(`Cannot back up to "${destination}": there is no directory "${directory}"`);
  const real = `/${found.slice(host.root.length).replace(/^\//, "")}`;
  const why = unsafe(real, mounts, keep);
  if (why !== undefined) {
    throw new CommandError(`Cannot back up to "${destination}": ${why}`, {
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
  // a directory of the data may also be mounted in another place
  const data = mounts.findLast(({ target }) => target === "/");
  const isApart = mount.source !== data?.source && mount.type !== "overlay";
  return isApart ? undefined : "it is below a deleted path";
}

/**
 * Writes the irreplaceable data of a node that would be deleted into a `.tar.gz`. Returns the paths in it.
 * Throws CommandError, also while k3s runs, because its datastore could be copied in the middle of a change.
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
