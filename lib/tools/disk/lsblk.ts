import { realpathSync } from "node:fs";
import { cmd } from "../host/cmd.ts";
import type { Host } from "../host/host.ts";
import { formatBytes } from "../terminal/progress.ts";
import { CommandError } from "../text/errors.ts";

/** A block device as lsblk(8) lists it. Children are its partitions and the devices on top of it (LVM, RAID, LUKS). */
export interface BlockDevice {
  /** Device node: `/dev/vda`. */
  readonly path: string;
  /** `disk`, `part`, `loop`, `rom`, `lvm`, `crypt`, `raid1` … */
  readonly type: string;
  /** Bytes. */
  readonly size: number;
  /** Bytes of a logical sector: 512, or 4096. */
  readonly sectorSize: number;
  readonly readOnly: boolean;
  readonly removable: boolean;
  readonly model: string | undefined;
  readonly serial: string | undefined;
  /** How a disk is attached: `sata`, `nvme`, `usb`, `virtio` …; a partition has none. */
  readonly transport: string | undefined;
  /** Its mount points; `[SWAP]` for active swap. */
  readonly mountpoints: readonly string[];
  readonly children: readonly BlockDevice[];
}

/** NAME makes lsblk print a tree. */
const COLUMNS = "NAME,PATH,TYPE,SIZE,LOG-SEC,RO,RM,MODEL,SERIAL,TRAN,MOUNTPOINTS";

/** Lists all block devices of the machine as a forest. */
export async function listBlockDevices(host: Pick<Host, "run">): Promise<BlockDevice[]> {
  const { stdout } = await host.run(cmd`lsblk --json --bytes --output ${COLUMNS}`);
  return parseLsblk(stdout);
}

/** Parses the output of `lsblk --json --bytes`. Throws CommandError for any other text. */
export function parseLsblk(json: string): BlockDevice[] {
  const { blockdevices } = JSON.parse(json) as { blockdevices?: readonly RawDevice[] };
  if (!Array.isArray(blockdevices)) throw new CommandError('lsblk printed no "blockdevices"');
  return blockdevices.map(toDevice);
}

interface RawDevice {
  readonly path: string;
  readonly type: string;
  readonly size: number | string;
  readonly "log-sec"?: number | string;
  readonly ro: boolean;
  readonly rm: boolean;
  readonly model: string | null;
  readonly serial: string | null;
  readonly tran?: string | null;
  readonly mountpoints: readonly (string | null)[];
  readonly children?: readonly RawDevice[];
}

function toDevice(raw: RawDevice): BlockDevice {
  return {
    path: raw.path,
    type: raw.type,
    size: Number(raw.size),
    sectorSize: Number(raw["log-sec"] ?? 512),
    readOnly: raw.ro,
    removable: raw.rm,
    model: raw.model?.trim() || undefined,
    serial: raw.serial?.trim() || undefined,
    transport: raw.tran?.trim() || undefined,
    mountpoints: raw.mountpoints.filter((path) => path !== null),
    children: (raw.children ?? []).map(toDevice),
  };
}

/** A device and all devices on top of it. */
export function withDescendants(device: BlockDevice): BlockDevice[] {
  return [device, ...device.children.flatMap(withDescendants)];
}

/** The device with this node, and its whole disk (itself, if it is one). */
export function findBlockDevice(
  devices: readonly BlockDevice[],
  path: string,
): { readonly device: BlockDevice; readonly disk: BlockDevice } | undefined {
  for (const disk of devices) {
    const device = withDescendants(disk).find((candidate) => candidate.path === path);
    if (device !== undefined) return { device, disk };
  }
  return undefined;
}

/** The disks of the machine: no optical drives, floppies, RAM or loop devices, no empty card readers. */
export function listDisks(devices: readonly BlockDevice[]): BlockDevice[] {
  const other = /^\/dev\/(fd|ram|zram|nbd)\d/;
  return devices.filter(({ type, path, size }) => type === "disk" && !other.test(path) && size > 0);
}

/** The disks that can be installed to: they are writable, and no part of them is in use. */
export function installableDisks(devices: readonly BlockDevice[]): BlockDevice[] {
  return listDisks(devices).filter((device) => {
    return !device.readOnly && withDescendants(device).every(({ mountpoints }) => mountpoints.length === 0);
  });
}

/** A line for the user: `/dev/vda (40 GiB, virtio, QEMU HARDDISK, serial 123)`. */
export function describeBlockDevice({ path, size, transport, model, serial }: BlockDevice): string {
  const facts = [formatBytes(size), transport, model, serial === undefined ? undefined : `serial ${serial}`];
  return `${path} (${facts.filter((fact) => fact !== undefined).join(", ")})`;
}

/** The node of a name such as `/dev/disk/by-id/…`; undefined if it does not exist. */
export function resolveDevice(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined; // the caller reports the missing device
  }
}
