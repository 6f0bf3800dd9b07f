import { randomUUID } from "node:crypto";
import { existsSync, readlinkSync } from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";
import { devicesByLabel } from "../tools/disk/blkid.ts";
import { holdersOf, isClaimed, isInUse } from "../tools/disk/holders.ts";
import {
  type BlockDevice,
  findBlockDevice,
  installableDisks,
  listBlockDevices,
  resolveDevice,
  withDescendants,
} from "../tools/disk/lsblk.ts";
import type { FoundPartition } from "../tools/disk/partitions.ts";
import { settle } from "../tools/disk/settle.ts";
import { readIfThere, readTextIfThere } from "../tools/fs/read-bounded.ts";
import { cmd } from "../tools/host/cmd.ts";
import type { Host } from "../tools/host/host.ts";
import { inRoot, LABEL, PATH } from "../tools/host/paths.ts";
import { hostTarget, type Target } from "../tools/host/targets.ts";
import { runningMode } from "../tools/node/running-mode.ts";
import { CommandError } from "../tools/text/errors.ts";
import { type CopiedNetwork, copyNetwork } from "./copied-network.ts";
import type { InstallSettings } from "./install-settings.ts";
import { type Occupant, readDisk } from "./occupants.ts";
import { hasProgram, missingMessage } from "./programs.ts";
import { inspectState, type StateFacts } from "./state-facts.ts";
import { gatherTakeoverFacts, type TakeoverFacts } from "./takeover/takeover-facts.ts";

/** The device that is to be installed to. */
export interface DeviceFacts {
  readonly device: BlockDevice;
  /** The disk that it is or is part of. */
  readonly disk: BlockDevice;
  /** The kernel would not give it, or what is built upon it, to us alone: mounted, if only in a container, or used else. */
  readonly busy: boolean;
  /** What is on the disk; empty with no-format, where nothing is erased. */
  readonly occupants: readonly Occupant[];
  /** Those of its table; empty with no-format. */
  readonly partitions: readonly FoundPartition[];
  /** With no-format: the file system that is kept. */
  readonly state: StateFacts | undefined;
}

/** What the machine is like. Nothing here depends on the medium or on the configuration. */
export interface InstallFacts {
  readonly devices: readonly BlockDevice[];
  /** Disks that could be installed to, for messages and questions. */
  readonly candidates: readonly BlockDevice[];
  /** Undefined: none was named, or it does not exist. */
  readonly device: DeviceFacts | undefined;
  /** With no-format and no name: the devices that are labelled as an installed system; the only one of them counts. */
  readonly labelled: readonly string[];
  readonly target: Target;
  readonly efiFirmware: boolean;
  /** Running mode: `live`, `install`, `local` … */
  readonly mode: string | undefined;
  /** What to say of programs that the plan needs and the system lacks; undefined: it has them all. */
  readonly missing: string | undefined;
  /** The firmware boots only what is signed for it, and k3OS is not. */
  readonly secureBoot: boolean;
  /** The device that "/" is on, if it is a device. */
  readonly root: BlockDevice | undefined;
  /** With takeover: the system that is to be replaced. */
  readonly takeover: TakeoverFacts | undefined;
  /** With copy-network: what is carried over. */
  readonly network: CopiedNetwork | undefined;
  /** ext4 features that GRUB cannot read and that mke2fs would switch on: to be switched off. */
  readonly ext4Off: readonly string[];
  readonly cmdline: string;
  /** Bytes of memory. */
  readonly memory: number;
  /** The terminal we run on, `/dev/ttyS0`; undefined if none. */
  readonly terminal: string | undefined;
  /** For the file system to be made. */
  readonly uuid: string;
}

/** Finds out all that the plan depends on, by reading only. */
export async function gatherFacts(
  settings: InstallSettings,
  host: Pick<Host, "root" | "run" | "env">,
): Promise<InstallFacts> {
  const target = hostTarget();
  const efiFirmware = existsSync(inRoot(host, "/sys/firmware/efi"));
  const missing = [
    ...programs(settings, target, efiFirmware).filter((name) => !hasProgram(name, host.env)),
    ...missingLoaders(settings, target, efiFirmware, host),
  ];
  const message = () => missingMessage("Missing programs", missing, host.env);
  if (missing.includes("lsblk") || missing.includes("blkid")) throw new CommandError(message());
  await settle(host); // a disk attached a moment ago
  const devices = await listBlockDevices(host);
  const root = devices.flatMap(withDescendants).find(({ mountpoints }) => mountpoints.includes("/"));
  const labelled = await labelledDevices(settings, host);
  const device = await deviceFacts(settings, devices, { root, labelled }, host);
  missing.push(...missingStoppers(device, host.env));
  return {
    devices,
    candidates: installableDisks(devices),
    device,
    labelled,
    target,
    efiFirmware,
    mode: runningMode(host),
    missing: missing.length === 0 ? undefined : message(),
    secureBoot: hasSecureBoot(host),
    root,
    takeover: settings.takeOver ? await gatherTakeoverFacts(root, { target, efiFirmware }, host) : undefined,
    network: settings.copyNetwork && !missing.includes("ip") ? await copyNetwork(host) : undefined,
    ext4Off: settings.noFormat || missing.includes("mkfs.ext4") ? [] : await ext4FeaturesToDisable(host),
    cmdline: readTextIfThere(inRoot(host, PATH.cmdline)) ?? "",
    memory: totalmem(),
    terminal: terminalName(),
    uuid: randomUUID(),
  };
}

/** How the machine is to boot. arm64 has no BIOS: there UEFI is the only way. */
export function bootStyle(
  settings: Pick<InstallSettings, "forceEfi">,
  target: Target,
  efiFirmware: boolean,
): "bios" | "efi" {
  return settings.forceEfi || efiFirmware || !target.grub.includes("i386-pc") ? "efi" : "bios";
}

async function deviceFacts(
  settings: InstallSettings,
  devices: readonly BlockDevice[],
  { root, labelled }: Pick<InstallFacts, "root" | "labelled">,
  host: Pick<Host, "run">,
): Promise<DeviceFacts | undefined> {
  const [onlyState] = labelled.length === 1 ? labelled : [];
  const unnamed = settings.takeOver ? root?.path : onlyState;
  const path = settings.device === undefined ? unnamed : resolveDevice(settings.device);
  const found = path === undefined ? undefined : findBlockDevice(devices, path);
  if (found === undefined || found.device.size === 0) return undefined;
  if (!settings.noFormat) return { ...(await diskFacts(found.device, host)), disk: found.disk };
  const { device } = found;
  const nothing = { occupants: [], partitions: [] };
  return { ...found, ...nothing, busy: isClaimed(device.path), state: await inspectState(device.path, host) };
}

/** What there is to know of a disk that is to be erased. Throws CommandError if it cannot be read. */
export async function diskFacts(device: BlockDevice, host: Pick<Host, "run">): Promise<DeviceFacts> {
  const busy = isInUse(device);
  return { device, disk: device, busy, ...(await readDisk(device.path, host)), state: undefined };
}

/** Without a name no-format means the one file system that has our label; of several none is chosen. */
async function labelledDevices(
  { noFormat, takeOver, device }: Pick<InstallSettings, "noFormat" | "takeOver" | "device">,
  host: Pick<Host, "run">,
): Promise<string[]> {
  return noFormat && !takeOver && device === undefined ? await devicesByLabel(LABEL.state, host) : [];
}

/** Every program that the installation will run. */
function programs(settings: InstallSettings, target: Target, efiFirmware: boolean): string[] {
  const network = settings.copyNetwork ? ["ip"] : [];
  const always = ["lsblk", "blkid", "mount", "umount", "sync", ...network];
  if (settings.takeOver) return [...always, "dumpe2fs"];
  if (settings.noFormat) return [...always, "grub-editenv", "dumpe2fs", "tune2fs"];
  const efi = bootStyle(settings, target, efiFirmware) === "efi";
  return [
    ...[...always, "grub-editenv", "sfdisk", "wipefs", "partx", "mkfs.ext4", "grub-mkimage"],
    ...(efi ? ["mkfs.vfat", "mmd", "mcopy", "mren"] : []),
  ];
}

/** The programs that take down what holds the disk. */
function missingStoppers(device: DeviceFacts | undefined, env: Host["env"]): string[] {
  const names = device === undefined ? [] : holdersOf(device.device).flatMap(({ stop }) => stop?.[0] ?? []);
  return [...new Set(names)].filter((name) => !hasProgram(name, env));
}

/** GRUB's files for this kind of machine, as one more program that may be missing. */
function missingLoaders(
  settings: InstallSettings,
  target: Target,
  efiFirmware: boolean,
  host: Pick<Host, "root">,
): string[] {
  const style = bootStyle(settings, target, efiFirmware);
  const name = target.grub.find((platform) => platform.endsWith("-efi") === (style === "efi"));
  if (settings.noFormat || name === undefined) return [];
  return existsSync(inRoot(host, join(PATH.grubLibrary, name, "normal.mod"))) ? [] : [name];
}

/**
 * The variable SecureBoot, one byte behind the four of attributes that efivarfs puts first.
 * https://uefi.org/specs/UEFI/2.10/03_Boot_Manager.html#globally-defined-variables
 */
const SECURE_BOOT = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";

function hasSecureBoot(host: Pick<Host, "root">): boolean {
  return readIfThere(inRoot(host, SECURE_BOOT))?.[4] === 1;
}

/**
 * Since e2fsprogs 1.47 mke2fs switches on features with which GRUB 2.06 says "unknown filesystem"; older ones refuse to
 * hear of them. `-n` only shows what would be done.
 */
async function ext4FeaturesToDisable(host: Pick<Host, "run">): Promise<string[]> {
  const off: string[] = [];
  for (const feature of ["metadata_csum_seed", "orphan_file"]) {
    const argv = cmd`mkfs.ext4 -n -q -F -O ^${feature} /dev/null 16M`;
    const { code } = await host.run(argv, { check: false });
    if (code === 0) off.push(feature);
  }
  return off;
}

function terminalName(): string | undefined {
  try {
    const name = readlinkSync("/proc/self/fd/0");
    return name.startsWith("/dev/tty") ? name : undefined;
  } catch {
    return undefined; // no /proc, or no standard input
  }
}
