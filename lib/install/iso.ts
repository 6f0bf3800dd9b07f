import { statSync } from "node:fs";
import { tmpdir } from "node:os";
import { freeBytes } from "../disk/size.ts";
import { CommandError } from "../errors.ts";
import type { Host } from "../host.ts";
import { localPath } from "../http-url.ts";
import { formatBytes } from "../progress.ts";
import { releaseFile } from "../release.ts";
import type { Target } from "../targets.ts";
import type { InstallSettings } from "./settings.ts";

/** The ISO that was named: by itself, or as that of a release. A device or directory is a medium, and no ISO. */
export function namedIso(
  { medium, isoUrl, releaseUrl }: Pick<InstallSettings, "medium" | "isoUrl" | "releaseUrl">,
  { arch }: Pick<Target, "arch">,
): string | undefined {
  if (medium !== undefined) return undefined;
  if (isoUrl === undefined) {
    return releaseUrl === undefined ? undefined : releaseFile(releaseUrl, `k3os-${arch}.iso`);
  }
  const path = localPath(isoUrl);
  const found = path === undefined ? undefined : statSync(path, { throwIfNoEntry: false });
  return found === undefined || found.isFile() ? isoUrl : undefined;
}

/**
 * A directory with room for a download: the user's choice, or else on a disk rather than in memory, of which /tmp is
 * often made. Throws CommandError if there is none.
 */
export function downloadDirectory(size: number, { env }: Pick<Host, "env">): string {
  const candidates = env.TMPDIR ? [env.TMPDIR] : ["/var/tmp", tmpdir(), "/run"];
  const rooms = candidates.map((path) => ({ path, free: freeBytes(path) }));
  const found = rooms.find(({ free }) => free >= size);
  if (found !== undefined) return found.path;
  const list = rooms.map(({ path, free }) => `"${path}" has ${formatBytes(free)}`).join(", ");
  throw new CommandError(`There is no room for a download of ${formatBytes(size)}: ${list}`, {
    hint: "name a directory that has it in TMPDIR",
  });
}
