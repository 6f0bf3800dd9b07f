import { closeSync, constants, openSync } from "node:fs";
import { cmd } from "../host/cmd.ts";
import type { Host } from "../host/host.ts";
import { CommandError } from "../text/errors.ts";
import { type BlockDevice, findBlockDevice, listBlockDevices, withDescendants } from "./lsblk.ts";

/**
 * A kernel device on top of a disk or a part of it, which keeps that open: a logical volume, an array, a LUKS volume.
 */
export interface Holder {
  /** Device node: `/dev/mapper/vg-root`, `/dev/md127`. */
  readonly path: string;
  /** The type by lsblk(8): `lvm`, `crypt`, `raid1` … */
  readonly type: string;
  /** The program that stops it and keeps all data; undefined if no program can be called without asking. */
  readonly stop: readonly string[] | undefined;
}

/** The holders of a disk, without duplicates; each comes before the devices that it is built upon. */
export function holdersOf(disk: BlockDevice): Holder[] {
  const found = new Map<string, Holder>();
  const visit = (device: BlockDevice) => {
    for (const child of device.children) visit(child);
    const { path, type } = device;
    // a partition, also of an array, belongs to its parent
    const isPart = type === "part" && !path.startsWith(MAPPER);
    if (path !== disk.path && !isPart) found.set(path, { path, type, stop: stopArgv(path, type) });
  };
  visit(disk);
  return [...found.values()];
}

const MAPPER = "/dev/mapper/";

function stopArgv(path: string, type: string): readonly string[] | undefined {
  // the other paths of a multipath map are separate disks, and still lead to this one
  if (type === "mpath") return undefined;
  if (path.startsWith(MAPPER)) return cmd`dmsetup remove --retry ${path}`;
  if (/^\/dev\/md/.test(path)) return cmd`mdadm --quiet --stop ${path}`;
  return undefined;
}

/**
 * Whether a disk or a device on it is in exclusive use: it is mounted (also only in a container), is swap, or is part
 * of a larger device. For a disk that only has holders, the topmost holders decide.
 */
export function isInUse(disk: BlockDevice): boolean {
  if (holdersOf(disk).length === 0) return isClaimed(disk.path);
  return withDescendants(disk).some(({ path, children }) => children.length === 0 && isClaimed(path));
}

/**
 * On a block device O_EXCL means exclusive use: open(2). Throws CommandError if it cannot be opened for another reason.
 */
export function isClaimed(path: string): boolean {
  try {
    closeSync(openSync(path, constants.O_RDONLY | constants.O_EXCL));
    return false;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EBUSY") return true;
    throw new CommandError(`Cannot open "${path}"`, { cause: error });
  }
}

/**
 * Stops the holders of a disk. A holder that is refused because of another one is retried after that one has stopped.
 * Throws CommandError with the first refusal when no further holder stops.
 */
export async function stopHolders(disk: string, host: Pick<Host, "run" | "log">): Promise<void> {
  for (let left = await listHolders(disk, host); left.length > 0; ) {
    const refusals: unknown[] = [];
    for (const { path, type, stop } of left) {
      host.log.info(`Stopping ${path} (${type}) …`);
      if (stop === undefined) refusals.push(new CommandError(`"${disk}" is in use by "${path}" (${type})`));
      else await host.run(stop).catch((error: unknown) => refusals.push(error));
    }
    const now = await listHolders(disk, host);
    if (now.length >= left.length) throw refusals[0] ?? new CommandError(`"${left[0]?.path}" did not go`);
    left = now;
  }
}

async function listHolders(disk: string, host: Pick<Host, "run">): Promise<Holder[]> {
  const found = findBlockDevice(await listBlockDevices(host), disk);
  return found === undefined ? [] : holdersOf(found.device);
}
