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

/** The settings, without an ISO that the machine runs from already: a boot from the network has fetched it. */
export function withoutRunningIso(settings: InstallSettings, host: Pick<Host, "root">): InstallSettings {
  const runs = settings.isoUrl !== undefined && settings.isoUrl === fetchedFrom(host);
  return runs ? { ...settings, isoUrl: undefined, isoOptional: false } : settings;
}

/** The URL that the running system's medium was fetched from by the boot; undefined for any other medium. */
export function fetchedFrom(host: Pick<Host, "root">): string | undefined {
  return readTextIfThere(inRoot(host, PATH.mediumUrl));
}

/** What is to be remembered of the release that names the medium from {@link fetchedFrom}; undefined if nobody has signed it. */
export function fetchedRelease(host: Pick<Host, "root">): string | undefined {
  return readTextIfThere(inRoot(host, PATH.mediumRelease));
}

/** An ISO that only the configuration names, and that cannot be reached. */
export interface UnreachableIso {
  readonly unreachable: Error;
}

/** {@link checkIso}, but that an ISO that is optional may be out of reach. */
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

/** As opposed to an ISO that is there, and is not what was signed. */
export function isOutOfReach(error: unknown, url: string): error is CommandError {
  if (error instanceof HttpError) return true;
  const path = localPath(url);
  return error instanceof CommandError && path !== undefined && !existsSync(path);
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
  throw new CommandError(`Not enough space for a download of ${formatBytes(size)}: ${list}`, {
    hint: "set TMPDIR to a directory with enough space",
  });
}
