import { lstatSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { TakeoverRecord } from "../../tools/disk/takeover-record.ts";
import { writeFileAtomic } from "../../tools/fs/atomic.ts";
import { isThere } from "../../tools/fs/links.ts";
import { readTextBounded } from "../../tools/fs/read-bounded.ts";
import type { Host } from "../../tools/host/host.ts";
import { PATH } from "../../tools/host/paths.ts";
import { messageOf } from "../../tools/text/errors.ts";

/** Where k3s has its node password on any Linux. */
const OLD_PASSWORD = "etc/rancher/node/password";

/**
 * Keeps the k3s node password of the old system for the new one: with another one, the servers of its cluster would
 * refuse the node. A failure is reported; the takeover goes on, for it can no longer be undone. Never throws.
 * https://docs.k3s.io/architecture#how-agent-node-registration-works
 */
export function keepNodePassword(root: string, host: Pick<Host, "log">): void {
  const found = join(root, OLD_PASSWORD);
  const directory = join(root, "k3os/data", PATH.localState, "node");
  const kept = join(directory, "password");
  try {
    if (isThere(kept) || !lstatSync(found, { throwIfNoEntry: false })?.isFile()) return;
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    writeFileAtomic(kept, readTextBounded(found), { mode: 0o600 });
    host.log.info("The k3s node password is kept");
  } catch (error) {
    host.log.warn(`The k3s node password cannot be kept: ${messageOf(error)}`);
  }
}

/**
 * Deletes everything from a file system except the new system, GRUB's directory, lost+found and the mount point of the
 * EFI system partition. Reports and keeps files that cannot be deleted: they do no harm.
 */
export function deleteOldSystem(
  root: string,
  { grub }: Pick<TakeoverRecord, "grub">,
  host: Pick<Host, "log">,
): void {
  host.log.info("Deleting the old system …");
  for (const name of namesIn(root)) {
    if (["k3os", "boot", "lost+found"].includes(name)) continue;
    remove(join(root, name), host);
  }
  for (const name of namesIn(join(root, "boot"))) {
    if (!["efi", grub.replace("/boot/", "")].includes(name)) remove(join(root, "boot", name), host);
  }
}

function namesIn(directory: string): string[] {
  return lstatSync(directory, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(directory) : [];
}

function remove(path: string, host: Pick<Host, "log">): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (error) {
    host.log.warn(`"${path}" cannot be deleted: ${messageOf(error, path)}`);
  }
}
