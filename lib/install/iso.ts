import { statSync } from "node:fs";
import { tmpdir } from "node:os";
import { freeBytes } from "../disk/size.ts";
import { CommandError } from "../errors.ts";
import type { Host } from "../host.ts";
import { maskUrl } from "../http.ts";
import { sizeOf } from "../http-size.ts";
import { localPath } from "../http-url.ts";
import { formatBytes } from "../progress.ts";
import { chooseTrust, readRelease, releaseFile, wantedDigest } from "../release.ts";
import type { Target } from "../targets.ts";
import type { InstallSettings } from "./settings.ts";

/** An ISO image that is known to be there, and what is known of its content. */
export interface IsoImage {
  /** URL, or path of a file. */
  readonly url: string;
  /** What its content must be, from a signed list; undefined where the user trusts anyone and there is no list. */
  readonly sha256: string | undefined;
  /** Bytes; undefined if the server does not tell. */
  readonly size: number | undefined;
}

type IsoHost = Pick<Host, "root" | "log" | "clock" | "env" | "run">;

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
 * Finds out, without fetching it, whether an ISO is there and what the signed list beside it says of it.
 * Throws CommandError or HttpError if it is not there, or nobody who is trusted has signed for it.
 */
export async function checkIso(
  url: string,
  settings: Pick<InstallSettings, "keys" | "insecure">,
  { arch }: Pick<Target, "arch">,
  host: IsoHost,
): Promise<IsoImage> {
  const size = await sizeOf(url, host);
  const trust = chooseTrust(settings, host);
  const [, directory = "", name = "", query = ""] = /^([^?#]*?)([^/?#]*)([?#].*)?$/.exec(url) ?? [];
  const release = await readRelease(directory === "" ? "." : directory + query, { arch, trust }, host);
  return { url, size, sha256: wantedDigest(release, name) };
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

/** For messages: credentials and queries stay out. */
export function isoName({ url }: Pick<IsoImage, "url">): string {
  return maskUrl(url);
}
