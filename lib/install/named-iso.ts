import { existsSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { readTextIfThere } from "../tools/fs/read-bounded.ts";
import { freeBytes } from "../tools/fs/size.ts";
import type { Host } from "../tools/host/host.ts";
import { inRoot, PATH } from "../tools/host/paths.ts";
import type { Target } from "../tools/host/targets.ts";
import { HttpError } from "../tools/http/http.ts";
import { localPath } from "../tools/http/http-url.ts";
import { checkIso, type IsoImage, type IsoTrust } from "../tools/release/iso-image.ts";
import { releaseFile } from "../tools/release/read-release.ts";
import { formatBytes } from "../tools/terminal/progress.ts";
import { CommandError } from "../tools/text/errors.ts";
import type { InstallSettings } from "./install-settings.ts";

/** The named ISO: directly, or as that of a release. A device or directory is a medium, not an ISO. */
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

/** The settings without an ISO that the machine already runs from: a network boot has downloaded it. */
export function withoutRunningIso(settings: InstallSettings, host: Pick<Host, "root">): InstallSettings {
  const runs = settings.isoUrl !== undefined && settings.isoUrl === fetchedFrom(host);
  return runs ? { ...settings, isoUrl: undefined, isoOptional: false } : settings;
}

/** The URL that the boot downloaded the running system's medium from; undefined for any other medium. */
export function fetchedFrom(host: Pick<Host, "root">): string | undefined {
  return readTextIfThere(inRoot(host, PATH.mediumUrl));
}

/** The record of the release that lists the medium from {@link fetchedFrom}; undefined if it is not signed. */
export function fetchedRelease(host: Pick<Host, "root">): string | undefined {
  return readTextIfThere(inRoot(host, PATH.mediumRelease));
}

/** An unreachable ISO that is only named in the configuration. */
export interface UnreachableIso {
  readonly unreachable: Error;
}

/** {@link checkIso}, but an optional ISO may be unreachable. */
export async function checkNamedIso(
  url: string,
  settings: IsoTrust & Pick<InstallSettings, "isoOptional">,
  target: Pick<Target, "arch">,
  host: Pick<Host, "log" | "clock" | "env" | "run">,
): Promise<IsoImage | UnreachableIso> {
  try {
    return await checkIso(url, settings, target, host);
  } catch (error) {
    if (settings.isoOptional && isOutOfReach(error, url)) return { unreachable: error };
    throw error;
  }
}

/** Whether an ISO is unreachable, as opposed to not being the signed one. */
export function isOutOfReach(error: unknown, url: string): error is CommandError {
  if (error instanceof HttpError) return true;
  const path = localPath(url);
  return error instanceof CommandError && path !== undefined && !existsSync(path);
}

/**
 * A directory with enough space for a download: the user's choice, or else on a disk, since /tmp is often in memory.
 * Throws CommandError if there is none.
 */
export function downloadDirectory(size: number, { env }: Pick<Host, "env">): string {
  const candidates = env.TMPDIR ? [env.TMPDIR] : ["/var/tmp", tmpdir(), "/run"];
  const rooms = candidates.map((path) => ({ path, free: freeBytes(path) }));
  const found = rooms.find(({ free }) => free >= size);
  if (found !== undefined) return found.path;
  const list = rooms.map(({ path, free }) => `"${path}" has ${formatBytes(free)}`).join(", ");
  throw new CommandError(`Not enough space for a download of ${formatBytes(size)}: ${list}`, {
    hint: "set TMPDIR to a directory with enough space",
  });
}
