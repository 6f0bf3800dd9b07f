import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { devicesByLabel, probe } from "../tools/disk/blkid.ts";
import { type BlockDevice, resolveDevice, withDescendants } from "../tools/disk/lsblk.ts";
import { mounted, type Opened, parseMountinfo } from "../tools/disk/mount.ts";
import { checkDigest, sha256Opened } from "../tools/fs/checksums.ts";
import { openRegular, readTextIfThere } from "../tools/fs/read-bounded.ts";
import type { Host } from "../tools/host/host.ts";
import { inRoot, LABEL, PATH } from "../tools/host/paths.ts";
import { attachImage } from "../tools/host/sys.ts";
import type { Target } from "../tools/host/targets.ts";
import { localPath } from "../tools/http/http-url.ts";
import { checkIso, fetchIso, type IsoImage, isoName, withAdvice } from "../tools/release/iso-image.ts";
import { releaseRecord } from "../tools/release/release-memory.ts";
import { CommandError, during, messageOf } from "../tools/text/errors.ts";
import type { InstallSettings } from "./install-settings.ts";
import { looksLikeMedium } from "./medium.ts";
import {
  downloadDirectory,
  fetchedFrom,
  fetchedRelease,
  isOutOfReach,
  type UnreachableIso,
} from "./named-iso.ts";

/** A mounted medium, or a directory used as one, until the scope ends. */
export interface OpenedMedium extends Opened {
  /** Its origin, for messages. */
  readonly origin: string;
  /** Its block device, if it has one. */
  readonly device: string | undefined;
  /** The record of the release in the format of {@link releaseRecord}, if its list names this medium. */
  readonly release?: string | undefined;
}

type SourceHost = Pick<Host, "root" | "run" | "log" | "clock" | "env" | "progress">;

/**
 * Finds the installation medium: the named one (a directory, device or ISO), else the medium that the machine runs
 * from, else one on another device, else the ISO of the running release from the network. An unreachable ISO that is
 * only named in the configuration is replaced by an attached medium. A device is recognised by its content; the disk to
 * install to is never a medium. Throws CommandError if there is none.
 */
export async function openMedium(
  settings: InstallSettings,
  iso: IsoImage | UnreachableIso | undefined,
  facts: { readonly devices: readonly BlockDevice[]; readonly disk: BlockDevice; readonly target: Target },
  host: SourceHost,
): Promise<OpenedMedium> {
  const { devices, disk, target } = facts;
  for (const named of [settings.medium, settings.isoUrl]) {
    if (named !== undefined && iso === undefined) refuseTarget(named, disk);
  }
  if (settings.medium !== undefined) return await openPath(settings.medium, host);
  const fetched = iso === undefined ? undefined : await openNamedIso(iso, settings, host);
  if (fetched !== undefined && "path" in fetched) return fetched;
  if (fetched === undefined && settings.isoUrl !== undefined) return await openPath(settings.isoUrl, host);
  const found = runningMedium(host) ?? (await attachedMedium(devices, disk, host));
  if (found !== undefined) {
    if (fetched !== undefined)
      host.log.warn(`${messageOf(fetched.unreachable)}: using ${found.origin} instead`);
    return found;
  }
  if (fetched !== undefined) throw fetched.unreachable;
  const released = releasedIso(host);
  if (released !== undefined) return await openIso(await checkIso(released, settings, target, host), host);
  throw new CommandError("No installation medium was found", {
    hint: "attach it, or name an ISO: k3os install DEVICE ISO_URL",
  });
}

/** An ISO whose download fails finally is unreachable, too. */
async function openNamedIso(
  iso: IsoImage | UnreachableIso,
  { isoOptional }: Pick<InstallSettings, "isoOptional">,
  host: SourceHost,
): Promise<OpenedMedium | UnreachableIso> {
  if ("unreachable" in iso) return iso;
  try {
    return await openIso(iso, host);
  } catch (error) {
    if (isoOptional && isOutOfReach(error, iso.url)) return { unreachable: error };
    throw error;
  }
}

function refuseTarget(path: string, target: BlockDevice): void {
  const node = resolveDevice(path);
  if (!withDescendants(target).some((part) => part.path === node)) return;
  throw new CommandError(
    `The installation medium "${path}" is on the disk to be installed to, "${target.path}"`,
  );
}

/** A directory itself, a device, or an image file. */
async function openPath(path: string, host: SourceHost): Promise<OpenedMedium> {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw new CommandError(`Installation medium not found: "${path}"`);
  if (found.isDirectory()) return inPlace(path, path, undefined);
  if (!found.isFile() && !found.isBlockDevice()) {
    throw new CommandError(
      `"${path}" is not an installation medium: expected a directory, a disk or an image`,
    );
  }
  return await during(`Opening the installation medium "${path}"`, () => {
    return found.isFile() ? mountFile(path, undefined, host) : mountMedium(path, host);
  });
}

/** Mounts the ISO only after its content is verified. */
async function openIso(iso: IsoImage, host: SourceHost): Promise<OpenedMedium> {
  const path = localPath(iso.url);
  if (path !== undefined) return await openLocalIso(path, iso, host);
  const directory = await mkdtemp(join(downloadDirectory(iso.size ?? 0, host), "k3os-install-"));
  const remove = async () => rmSync(directory, { recursive: true, force: true });
  try {
    const file = join(directory, "medium.iso");
    await fetchIso(iso, file, host);
    const opened = await openPath(file, host);
    await remove(); // the loop device keeps the content until it is detached
    return { ...opened, origin: isoName(iso), release: recordOf(iso) };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function openLocalIso(path: string, iso: IsoImage, host: SourceHost): Promise<OpenedMedium> {
  const opened = await withAdvice(iso, () => mountFile(path, iso.sha256, host));
  return { ...opened, release: recordOf(iso) };
}

function recordOf({ release }: IsoImage): string | undefined {
  return release && releaseRecord(release);
}

/** Mounts an image file, which is opened once: the verified content is mounted, even if the name is reused. */
async function mountFile(path: string, sha256: string | undefined, host: SourceHost): Promise<OpenedMedium> {
  using file = openRegular(path);
  if (sha256 !== undefined) checkDigest(path, await sha256Opened(file), sha256);
  using loop = attachImage(file.fd, path);
  return { ...(await mountMedium(loop.path, host)), origin: path, device: undefined };
}

/** File systems of media, with options that prevent writes by the kernel, such as the replay of a journal. */
const MEDIUM_FLAGS = new Map([
  ...["iso9660", "udf", "vfat", "exfat", "squashfs", "ext2"].map((type): [string, string[]] => [
    type,
    ["ro"],
  ]),
  ...["ext3", "ext4"].map((type): [string, string[]] => [type, ["ro", "noload"]]),
]);

/** Mounts a device. */
async function mountMedium(path: string, host: SourceHost): Promise<OpenedMedium> {
  const content = await probe(path, host);
  const type = content.kind === "data" ? content.type : undefined;
  const flags = type === undefined ? undefined : MEDIUM_FLAGS.get(type);
  if (flags === undefined) throw new CommandError(`"${path}" has no file system that a medium could have`);
  const target = inRoot(host, join(PATH.installDir, "medium"));
  const mount = await mounted(path, target, { flags }, host);
  return { ...mount, origin: path, device: path };
}

/** In live mode the boot has mounted the medium. */
function runningMedium(host: Pick<Host, "root">): OpenedMedium | undefined {
  const path = inRoot(host, PATH.medium);
  if (!looksLikeMedium(path)) return undefined;
  const mounts = readTextIfThere("/proc/self/mountinfo") ?? "";
  const source = parseMountinfo(mounts).findLast(({ target }) => target === path)?.source;
  const url = fetchedFrom(host);
  const origin = url === undefined ? (source ?? path) : isoName({ url });
  const medium = inPlace(path, origin, source?.startsWith("/dev/") ? source : undefined);
  return { ...medium, release: url === undefined ? undefined : fetchedRelease(host) };
}

/** Devices with the medium's label first, then all others that can be mounted. */
async function attachedMedium(
  devices: readonly BlockDevice[],
  target: BlockDevice,
  host: SourceHost,
): Promise<OpenedMedium | undefined> {
  const others = devices.filter((disk) => disk.path !== target.path).flatMap(withDescendants);
  const usable = others.filter(({ size, mountpoints }) => size > 0 && mountpoints.length === 0);
  const paths = usable.map(({ path }) => path);
  const labelled = (await devicesByLabel(LABEL.medium, host)).filter((path) => paths.includes(path));
  for (const path of new Set([...labelled, ...paths])) {
    const opened = await mountMedium(path, host).catch((error: unknown) => {
      host.log.debug(`${path} is not a medium: ${messageOf(error)}`);
      return undefined;
    });
    if (opened === undefined) continue;
    if (looksLikeMedium(opened.path)) return opened;
    await opened[Symbol.asyncDispose]();
  }
  return undefined;
}

/** The ISO of the running release, by its os-release(5). */
function releasedIso(host: Pick<Host, "root">): string | undefined {
  const path = inRoot(host, PATH.osRelease);
  if (!existsSync(path)) return undefined;
  return /^ISO_URL="?([^"\n]+)"?$/m.exec(readFileSync(path, "utf8"))?.[1];
}

function inPlace(path: string, origin: string, device: string | undefined): OpenedMedium {
  return { path, origin, device, [Symbol.asyncDispose]: async () => undefined };
}
