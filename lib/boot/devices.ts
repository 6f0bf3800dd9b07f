import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { readSuperblock, type Superblock } from "../tools/disk/superblock.ts";
import { LABEL } from "../tools/host/paths.ts";

/** A block device with a known file system. */
export interface FoundDevice extends Superblock {
  /** Device node, e.g. `/dev/vda1`. */
  readonly path: string;
  /** It is a partition of another device. */
  readonly partition: boolean;
  /** Node of the disk that contains this partition; its own node for a whole disk. */
  readonly disk: string;
  /** Identifies the disk or partition if several paths lead to it; undefined if the disk has no such name. */
  readonly identity?: string;
}

/** Kernel devices that never contain an installed system or a medium. */
const IGNORED = /^(ram|loop|zram|nbd|fd)\d/;

/** All block devices with a known file system: first whole disks, then partitions, each sorted by name. */
export function findDevices(sys = "/sys/class/block", dev = "/dev"): FoundDevice[] {
  const names = existsSync(sys) ? readdirSync(sys).filter((name) => !IGNORED.test(name)) : [];
  const devices = names.flatMap((name) => {
    const superblock = readSuperblock(nodeOf(name, dev));
    return superblock === undefined ? [] : [{ ...superblock, ...describeDevice(name, sys, dev) }];
  });
  const order = (device: FoundDevice) => `${device.partition ? 1 : 0} ${device.path}`;
  return devices.sort((a, b) => order(a).localeCompare(order(b), "en", { numeric: true }));
}

function nodeOf(name: string, dev: string): string {
  return join(dev, name.replaceAll("!", "/")); // sysfs writes cciss/c0d0 as cciss!c0d0
}

/** The directory of a partition is inside the directory of its disk. */
function describeDevice(
  name: string,
  sys: string,
  dev: string,
): Pick<FoundDevice, "path" | "partition" | "disk" | "identity"> {
  const path = nodeOf(name, dev);
  const number = readValue(join(sys, name, "partition"));
  const directory = realpathSync(join(sys, name));
  const diskDirectory = number === undefined ? directory : dirname(directory);
  const disk = number === undefined ? path : nodeOf(basename(diskDirectory), dev);
  const wwid = readValue(join(diskDirectory, "device/wwid")) ?? readValue(join(diskDirectory, "wwid"));
  const device = { path, partition: number !== undefined, disk };
  // manufacturers choose the other names, which are not always unique
  if (wwid === undefined || !/^(naa|eui|uuid)\./.test(wwid)) return device;
  return { ...device, identity: `${wwid} ${number ?? ""}` };
}

function readValue(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined; // not every device has this file
  }
}

/** The devices that may be the installation medium: first those with its label, then other candidates. */
export function mediumCandidates(devices: readonly FoundDevice[]): FoundDevice[] {
  const labelled = devices.filter((device) => device.label === LABEL.medium);
  const others = devices.filter((device) => device.label !== LABEL.medium && device.label !== LABEL.state);
  return [...labelled, ...others];
}

/** Every `modalias` of the devices that the kernel has found so far. */
export function modaliases(sys = "/sys/devices"): Set<string> {
  const found = new Set<string>();
  const visit = (directory: string): void => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) visit(path);
      else if (entry.name === "modalias") addAlias(path, found);
    }
  };
  visit(realpathSync(sys));
  return found;
}

function addAlias(path: string, found: Set<string>): void {
  try {
    const alias = readFileSync(path, "utf8").trim();
    if (alias !== "") found.add(alias);
  } catch {
    // the device disappeared during the scan: its modules are not needed
  }
}
