import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { readSuperblock, type Superblock } from "../tools/disk/superblock.ts";
import { LABEL } from "../tools/host/paths.ts";

/** A block device that holds a file system we know. */
export interface FoundDevice extends Superblock {
  /** Device node, e.g. `/dev/vda1`. */
  readonly path: string;
  /** It is a partition of another device. */
  readonly partition: boolean;
  /** Node of the disk that it is a partition of; its own, if it is none. */
  readonly disk: string;
  /** What the same disk or partition has in common when it is reached by several ways; undefined where a disk has no such name. */
  readonly identity?: string;
}

/** Kernel devices that never hold an installed system or a medium. */
const IGNORED = /^(ram|loop|zram|nbd|fd)\d/;

/** All block devices with a known file system, whole disks before partitions, each group by name. */
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

/** The directory of a partition lies in that of its disk. */
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
  // other names are made up by the drive's maker, and not always unique
  if (wwid === undefined || !/^(naa|eui|uuid)\./.test(wwid)) return device;
  return { ...device, identity: `${wwid} ${number ?? ""}` };
}

function readValue(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined; // not every device has it
  }
}

/** The devices that may be the installation medium: those labelled so first, then the others worth a look inside. */
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
    // the device went away while we looked: its modules are not needed
  }
}
