import { lstatSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { TakeoverRecord } from "../../tools/disk/takeover-record.ts";
import type { Host } from "../../tools/host/host.ts";
import { messageOf } from "../../tools/text/errors.ts";

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
