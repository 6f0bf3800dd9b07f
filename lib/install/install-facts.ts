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

/** The device to install to. */
export interface DeviceFacts {
  readonly device: BlockDevice;
  /** Its disk, or the disk that it is part of. */
  readonly disk: BlockDevice;
  /**
   * The kernel refuses exclusive use of it, or of a device on top of it: mounted, if only in a container, or used
   * otherwise.
   */
  readonly busy: boolean;
  /** The content of the disk; empty with no-format, which erases nothing. */
  readonly occupants: readonly Occupant[];
  /** The partitions of its table; empty with no-format. */
  readonly partitions: readonly FoundPartition[];
  /** With no-format: the existing file system. */
  readonly state: StateFacts | undefined;
}

/** The facts about the machine, independent of the medium and the configuration. */
export interface InstallFacts {
  readonly devices: readonly BlockDevice[];
  /** The disks that can be installed to, for messages and prompts. */
  readonly candidates: readonly BlockDevice[];
  /** Undefined: none was given, or it does not exist. */
  readonly device: DeviceFacts | undefined;
  /**
   * With no-format and no device: the devices with the label of an installed system; it is only used if there is
   * exactly one.
   */
  readonly labelled: readonly string[];
  readonly target: Target;
  readonly efiFirmware: boolean;
  /** Running mode: `live`, `install`, `local` … */
  readonly mode: string | undefined;
  /** The error for missing programs that the plan needs; undefined: none is missing. */
  readonly missing: string | undefined;
  /** The firmware only boots signed programs, and k3OS is not signed. */
  readonly secureBoot: boolean;
  /** The device of "/", if there is one. */
  readonly root: BlockDevice | undefined;
  /** With takeover: the system to replace. */
  readonly takeover: TakeoverFacts | undefined;
  /** With copy-network: the copied settings. */
  readonly network: CopiedNetwork | undefined;
  /** ext4 features to disable: GRUB cannot read them, and mke2fs would enable them. */
  readonly ext4Off: readonly string[];
  readonly cmdline: string;
  /** Bytes of memory. */
  readonly memory: number;
  /** The terminal of this process, `/dev/ttyS0`; undefined if none. */
  readonly terminal: string | undefined;
  /** For the new file system. */
  readonly uuid: string;
}

/** Gathers all facts that the plan depends on. It only reads. */
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
  await settle(host); // a disk may have been attached a moment ago
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

/** The boot method of the new system. arm64 has no BIOS, only UEFI. */
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

/** The facts about a disk to erase. Throws CommandError if it cannot be read. */
export async function diskFacts(device: BlockDevice, host: Pick<Host, "run">): Promise<DeviceFacts> {
  const busy = isInUse(device);
  return { device, disk: device, busy, ...(await readDisk(device.path, host)), state: undefined };
}

/** Without a device, no-format selects the only file system with our label; with several, none. */
async function labelledDevices(
  { noFormat, takeOver, device }: Pick<InstallSettings, "noFormat" | "takeOver" | "device">,
  host: Pick<Host, "run">,
): Promise<string[]> {
  return noFormat && !takeOver && device === undefined ? await devicesByLabel(LABEL.state, host) : [];
}

/** All programs that the installation will run. */
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

/** The missing programs that stop the holders of the disk. */
function missingStoppers(device: DeviceFacts | undefined, env: Host["env"]): string[] {
  const names = device === undefined ? [] : holdersOf(device.device).flatMap(({ stop }) => stop?.[0] ?? []);
  return [...new Set(names)].filter((name) => !hasProgram(name, env));
}

/** The missing GRUB files for this platform, in the form of missing programs. */
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
 * The variable SecureBoot: one byte, after four bytes of attributes in efivarfs.
 * https://uefi.org/specs/UEFI/2.10/03_Boot_Manager.html#globally-defined-variables
 */
const SECURE_BOOT = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";

function hasSecureBoot(host: Pick<Host, "root">): boolean {
  return readIfThere(inRoot(host, SECURE_BOOT))?.[4] === 1;
}

/**
 * Since e2fsprogs 1.47 mke2fs enables features that make GRUB 2.06 report "unknown filesystem"; older versions of
 * mke2fs reject their names. `-n` is a dry run.
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
