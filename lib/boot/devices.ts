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

/**
 * Every `modalias` of the devices that the kernel has found so far. The devices are listed by bus: a walk through all of
 * /sys/devices, with its thousands of directories, takes seconds of a slow processor. Some have no bus, only a class.
 */
export function modaliases(sys = "/sys"): Set<string> {
  const lists = [
    ...entriesOf(join(sys, "bus")).map((bus) => join(bus, "devices")),
    ...ALIASED_CLASSES.map((name) => join(sys, "class", name)),
  ];
  const devices = [...lists.flatMap(entriesOf), join(sys, "devices/system/cpu")];
  const aliases = devices.map((device) => readValue(join(device, "modalias")) ?? "");
  return new Set(aliases.filter((alias) => alias !== ""));
}

/** Classes whose devices have an alias, but are on no bus. */
const ALIASED_CLASSES = ["dmi", "input"];

function entriesOf(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory).map((name) => join(directory, name)) : [];
}
