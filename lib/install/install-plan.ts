import { join } from "node:path";
import type { Range } from "../tools/disk/erase.ts";
import {
  type GrubMenu,
  type GrubPlatform,
  grubConfig,
  grubPlatform,
  takeoverConfig,
} from "../tools/disk/grub.ts";
import { biosLayout, efiLayout, type Layout, layoutSize, partitionPath } from "../tools/disk/partitions.ts";
import { TAKEOVER, type TakeoverRecord } from "../tools/disk/takeover-record.ts";
import { GIB, MIB, roundUp } from "../tools/fs/size.ts";
import { LABEL, MARKER, PATH } from "../tools/host/paths.ts";
import { PROJECT_URL } from "../tools/host/project.ts";
import { RELEASE_FILE } from "../tools/release/release-memory.ts";
import { formatBytes } from "../tools/terminal/progress.ts";
import { CommandError } from "../tools/text/errors.ts";
import { consolesOf } from "./console.ts";
import { NETWORK_FILE } from "./copied-network.ts";
import { driverWords } from "./driver-words.ts";
import { bootStyle, type DeviceFacts, type InstallFacts } from "./install-facts.ts";
import type { InstallSettings } from "./install-settings.ts";
import type { Medium } from "./medium.ts";

/** A file to write to the state file system, with its path there. */
export interface PlannedFile {
  readonly path: string;
  readonly content: string | Uint8Array;
  readonly mode: number;
}

/** The file that the firmware boots: boot code in the first sector, or a file in the EFI system partition. */
export type Loader =
  | { readonly kind: "bios" }
  | { readonly kind: "efi"; readonly esp: string; readonly file: string };

/** The common changes of all kinds of installation. */
interface CommonPlan {
  readonly device: string;
  /** Bytes. */
  readonly size: number;
  readonly state: { readonly path: string; readonly uuid: string };
  readonly medium: Medium;
  readonly directories: readonly string[];
  readonly files: readonly PlannedFile[];
  readonly afterwards: InstallSettings["afterwards"];
}

/** A new partition table for the disk. */
export interface DiskPlan extends CommonPlan {
  readonly kind: "disk";
  readonly layout: Layout;
  readonly loader: Loader;
  readonly grub: GrubPlatform;
  readonly ext4Off: readonly string[];
  /** The ranges to erase at both ends: the disk, and its existing partitions. */
  readonly erased: readonly Range[];
}

/** With no-format: the file system of a partition and the boot loader are kept. */
export interface PartitionPlan extends CommonPlan {
  readonly kind: "partition";
  readonly relabel: boolean;
}

/** The next boot replaces the running system: everything is written to "/". */
export interface TakeoverPlan extends CommonPlan {
  readonly kind: "takeover";
  readonly record: TakeoverRecord;
  /** The boot menu that replaces the running system's in the very last step. */
  readonly menu: PlannedFile;
  /** GRUB's environment block. */
  readonly environment: string;
}

/** All changes to the device: nothing is decided later. */
export type InstallPlan = DiskPlan | PartitionPlan | TakeoverPlan;

/** The fields of only one kind of installation. */
type Own<Plan extends InstallPlan> = Omit<Plan, keyof CommonPlan>;

/** The configuration of the installed system: content and source. */
export interface InstalledConfig {
  readonly content: string | Uint8Array;
  readonly origin: string;
}

/** The content for the disk, and the record of its release: see {@link releaseRecord}. */
export interface Sources {
  readonly medium: Medium;
  readonly config: InstalledConfig | undefined;
  readonly release?: string | undefined;
}

/** Written if there is no configuration, so that the user has a file to edit. */
const EMPTY_CONFIG = `# k3OS configuration, see ${PROJECT_URL}#configuration\n`;

/**
 * Makes the plan. Pure: it only depends on its arguments.
 * Throws CommandError if the medium does not fit on the device.
 */
export function planInstall(
  settings: InstallSettings,
  facts: InstallFacts,
  { medium, config, release }: Sources,
): InstallPlan {
  if (facts.device === undefined) throw new CommandError("Missing DEVICE: expected the disk to install to");
  const { device } = facts.device;
  const available = facts.takeover?.free ?? facts.device.state?.free ?? 0;
  const kept = settings.noFormat ? keptState(facts.device, available, medium) : undefined;
  const disk = kept === undefined ? planDisk(settings, facts, facts.device, medium) : undefined;
  const uuid = kept?.uuid ?? facts.uuid;
  const consoles = consolesOf(settings.tty, facts);
  const menu = { uuid, consoles, debug: settings.debug, words: driverWords(facts.cmdline) };
  const own =
    disk ??
    (settings.takeOver
      ? planTakeover(settings, facts, menu)
      : ({ kind: "partition", relabel: kept?.label !== LABEL.state } as const));
  const growNumber = disk?.layout.partitions.find(({ name }) => name === LABEL.state)?.number;
  const files: PlannedFile[] = [
    {
      path: own.kind === "takeover" ? TAKEOVER.newMenu : "/boot/grub/grub.cfg",
      content: grubConfig(menu),
      mode: 0o644,
    },
  ];
  const configuration = config?.content ?? medium.config ?? (own.kind === "disk" ? EMPTY_CONFIG : undefined);
  if (configuration !== undefined)
    files.push({ path: PATH.systemConfig, content: configuration, mode: 0o600 });
  if (release !== undefined)
    files.push({ path: join(PATH.system, RELEASE_FILE), content: release, mode: 0o644 });
  if (growNumber !== undefined) {
    const marker = join(PATH.system, MARKER.growpart);
    files.push({ path: marker, content: `${device.path} ${growNumber}\n`, mode: 0o644 });
  }
  if (facts.network?.config !== undefined) {
    files.push({ path: join("/k3os/data", NETWORK_FILE), content: facts.network.config, mode: 0o600 });
  }
  if (own.kind === "takeover") {
    const markers = [MARKER.takeover, ...(settings.powerOff ? [MARKER.poweroff] : [])];
    files.push(...markers.map((name) => ({ path: join(PATH.system, name), content: "", mode: 0o644 })));
  }
  return {
    ...own,
    device: device.path,
    size: device.size,
    state: { path: growNumber === undefined ? device.path : partitionPath(device.path, growNumber), uuid },
    medium,
    directories: [...(own.kind === "takeover" ? [] : ["/boot/grub"]), "/k3os/data/opt"],
    files,
    afterwards: settings.afterwards,
  };
}

function planTakeover(
  settings: InstallSettings,
  { takeover }: Pick<InstallFacts, "takeover">,
  menu: GrubMenu,
): Own<TakeoverPlan> {
  if (takeover?.grub === undefined) throw new CommandError("GRUB was not found");
  const { directory, hasEnvironment } = takeover.grub;
  return {
    kind: "takeover",
    record: {
      uuid: menu.uuid,
      grub: directory,
      madeEnvironment: takeover.record?.madeEnvironment ?? !hasEnvironment,
      afterwards: settings.powerOff ? "power-off" : "restart",
    },
    menu: { path: join(directory, "grub.cfg"), content: takeoverConfig(menu), mode: 0o600 },
    environment: join(directory, "grubenv"),
  };
}

function planDisk(
  settings: InstallSettings,
  facts: InstallFacts,
  { device, partitions }: DeviceFacts,
  medium: Medium,
): Own<DiskPlan> {
  const style = bootStyle(settings, facts.target, facts.efiFirmware);
  const size = stateSize(medium.size + medium.images.size, medium.entries.length);
  const layout = style === "efi" ? efiLayout(size, device.sectorSize) : biosLayout(size);
  if (layoutSize(layout) > device.size) {
    const [needs, has] = [formatBytes(layoutSize(layout)), formatBytes(device.size)];
    throw new CommandError(
      `"${device.path}" is too small for this medium: it has ${has}, ${needs} are needed`,
    );
  }
  const name = facts.target.grub.find((platform) => platform.endsWith("-efi") === (style === "efi"));
  if (name === undefined) throw new CommandError(`No boot loader for ${style} on ${facts.target.arch}`);
  return {
    kind: "disk",
    layout,
    loader:
      style === "bios"
        ? { kind: "bios" }
        : { kind: "efi", esp: partitionPath(device.path, 1), file: facts.target.efiBoot ?? "BOOTX64.EFI" },
    grub: grubPlatform(name),
    ext4Off: facts.ext4Off,
    erased: [{ start: 0, size: device.size }, ...partitions.flatMap((range) => within(device.size, range))],
  };
}

/** Limits a range to the disk: the table of another, larger disk may exceed it. */
function within(diskSize: number, { start, size }: Range): Range[] {
  return start >= diskSize ? [] : [{ start, size: Math.min(size, diskSize - start) }];
}

/**
 * Bytes of the initial state partition: the medium and what k3s imports from it, an eighth for the file system's metadata, the journal, and space
 * for the first boot's data before the partition grows to the end of the disk.
 */
export function stateSize(mediumSize: number, entries: number): number {
  const blocks = mediumSize + entries * 4096;
  return Math.max(GIB, roundUp(blocks * 1.125 + 320 * MIB, 64 * MIB));
}

function keptState(
  { device, state }: DeviceFacts,
  available: number,
  medium: Medium,
): { uuid: string; label: string | undefined } {
  if (state?.uuid === undefined) throw new CommandError(`The file system on "${device.path}" has no UUID`);
  // k3s imports the images, and keeps a copy
  const needed = medium.size + medium.images.size + 64 * MIB;
  if (available >= needed) return { uuid: state.uuid, label: state.label };
  const [free, wanted] = [formatBytes(available), formatBytes(needed)];
  throw new CommandError(`"${device.path}" has too little free space: ${free}, ${wanted} are needed`);
}
