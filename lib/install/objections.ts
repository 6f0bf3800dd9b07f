import { holdersOf } from "../tools/disk/holders.ts";
import { describeBlockDevice, withDescendants } from "../tools/disk/lsblk.ts";
import { quoteArgv } from "../tools/host/host.ts";
import { LABEL, PATH } from "../tools/host/paths.ts";
import type { Target } from "../tools/host/targets.ts";
import { formatBytes } from "../tools/terminal/progress.ts";
import { CommandError } from "../tools/text/errors.ts";
import { bootStyle, type DeviceFacts, type InstallFacts } from "./install-facts.ts";
import type { InstallSettings } from "./install-settings.ts";
import { MIN_DISK } from "./state-facts.ts";
import { takeoverObjections } from "./takeover/takeover-objections.ts";

/** A reason against an installation. */
export interface Objection {
  readonly message: string;
  /** `consent`: the user can accept the loss of the disk's data. */
  readonly kind: "consent" | "refusal";
  /** The next step for the user. */
  readonly hint?: string;
}

/** Types of block devices that can have a partition table and be booted by the firmware. */
const DISK_TYPES = ["disk", "loop"];

/** All objections to an installation; empty: none. */
export function findObjections(settings: InstallSettings, facts: InstallFacts): Objection[] {
  const network = (facts.network?.problems ?? []).map(refusal);
  return [...machineObjections(settings, facts), ...network, ...targetObjections(settings, facts)];
}

/** The objections to the machine, for any disk. */
export function machineObjections(settings: InstallSettings, facts: InstallFacts): Objection[] {
  const found: Objection[] = [];
  const refuse = (message: string) => found.push(refusal(message));
  if (facts.mode === "local" && settings.afterwards !== "return") {
    refuse("This is an installed k3OS: name the DEVICE of another disk to install to that one");
  }
  if (facts.missing !== undefined) refuse(facts.missing);
  if (facts.secureBoot && (settings.takeOver || !settings.noFormat)) {
    refuse("Secure Boot is on, and what starts k3OS is not signed for it: switch it off in the firmware");
  }
  if (facts.target.kernel === undefined) {
    refuse(
      `There is no ISO for ${facts.target.arch}: unpack k3os-rootfs-${facts.target.arch}.tar.gz instead`,
    );
  }
  return found;
}

function targetObjections(settings: InstallSettings, facts: InstallFacts): Objection[] {
  if (settings.takeOver) return takeoverObjections(facts).map(refusal);
  if (facts.device === undefined) return [refusal(noDevice(settings, facts))];
  return deviceObjections(settings, facts, facts.device);
}

function refusal(message: string): Objection {
  return { kind: "refusal", message };
}

function noDevice({ device, noFormat }: InstallSettings, { candidates, labelled }: InstallFacts): string {
  if (device !== undefined) return `Block device not found: "${device}"`;
  if (noFormat) {
    const found = labelled.length === 0 ? "none" : labelled.join(", ");
    return `No device was named, and not exactly one has the label "${LABEL.state}", but ${found}`;
  }
  const disks = candidates.map(describeBlockDevice).join(", ");
  return `Missing DEVICE: expected the disk to install to, found ${disks === "" ? "no free disk" : disks}`;
}

/** The objections to one device. */
export function deviceObjections(
  settings: InstallSettings,
  machine: Pick<InstallFacts, "root" | "target" | "efiFirmware">,
  facts: DeviceFacts,
): Objection[] {
  const { root, target } = machine;
  const { device } = facts;
  const found = [
    ...(device.readOnly ? [refusal(`"${device.path}" is read-only`)] : []),
    ...(withDescendants(device).some(({ path }) => path === root?.path)
      ? [refusal(runningSystem(device.path, root?.path ?? "", target))]
      : useObjections(settings, facts)),
    ...(settings.noFormat ? stateObjections(facts).map(refusal) : diskObjections(settings, machine, facts)),
    ...foreignOccupants(facts).map(consent),
  ];
  return settings.force ? found.filter(({ kind }) => kind === "refusal") : found;
}

function consent(message: string): Objection {
  return { kind: "consent", message };
}

function runningSystem(device: string, root: string, { kernel }: Pick<Target, "kernel">): string {
  const found = device === root ? `"${device}" is` : `"${device}" holds "${root}", which is`;
  const instead = kernel === undefined ? "" : `; to replace it: --takeover ${root}`;
  return `${found} what the running system is on${instead}`;
}

/**
 * The device is mounted, used as swap, or part of a device in use: consent does not help, its users must release it
 * first. Devices that were only assembled from the disk, as Linux does automatically with volume groups and arrays, are
 * stopped with consent.
 */
function useObjections(
  { noFormat }: Pick<InstallSettings, "noFormat">,
  { device, busy }: DeviceFacts,
): Objection[] {
  const mounted = withDescendants(device).flatMap(({ path, mountpoints }) =>
    mountpoints.map((where) => mountObjection(path, where)),
  );
  const holders = holdersOf(device).map(({ path, type, stop }): Objection => {
    const message = `"${device.path}" is in use by "${path}" (${type})`;
    if (stop !== undefined && !noFormat) return consent(`${message}, which would be stopped`);
    return type === "mpath" ? { ...refusal(message), hint: `multipath -f ${path}` } : refusal(message);
  });
  const uses = [...mounted, ...holders];
  if (!busy || uses.some(({ kind }) => kind === "refusal")) return uses;
  return [refusal(`"${device.path}" is in use by another program or container`), ...uses];
}

function mountObjection(path: string, mountpoint: string): Objection {
  if (mountpoint === "[SWAP]") return { ...refusal(`"${path}" is in use as swap`), hint: `swapoff ${path}` };
  if (mountpoint === PATH.medium) return refusal(`"${path}" is the medium that this system runs from`);
  return {
    ...refusal(`"${path}" is mounted on "${mountpoint}"`),
    hint: quoteArgv(["umount", mountpoint]),
  };
}

function diskObjections(
  settings: InstallSettings,
  { target, efiFirmware }: Pick<InstallFacts, "target" | "efiFirmware">,
  { device }: DeviceFacts,
): Objection[] {
  const { path, type, size, sectorSize } = device;
  if (type === "part") {
    return [
      refusal(`"${path}" is a partition: name the whole disk, or keep its file system with --no-format`),
    ];
  }
  if (!DISK_TYPES.includes(type)) return [refusal(`"${path}" is not a disk: found type "${type}"`)];
  const found: Objection[] = [];
  if (size < MIN_DISK) {
    const [has, needs] = [formatBytes(size), formatBytes(MIN_DISK)];
    found.push(refusal(`"${path}" is too small: it has ${has}, k3OS needs ${needs}`));
  }
  if (sectorSize !== BIOS_SECTOR && bootStyle(settings, target, efiFirmware) === "bios") {
    const message = `"${path}" has sectors of ${sectorSize} bytes, and no BIOS starts a system from those`;
    found.push({ ...refusal(message), hint: UEFI_INSTEAD });
  }
  return found;
}

/** Bytes: the sector size of GRUB's boot code and the BIOS's own functions. */
const BIOS_SECTOR = 512;
const UEFI_INSTEAD =
  "start this machine by UEFI (a setting of its firmware) and install again; for another machine: --force-efi";

function stateObjections({ device, state }: DeviceFacts): string[] {
  if (state?.type !== "ext4") {
    const found = state?.type === undefined ? "no file system" : `a file system of type "${state.type}"`;
    return [`"${device.path}" has ${found}: --no-format needs ext4`];
  }
  if (state.uuid === undefined) return [`The file system on "${device.path}" has no UUID`];
  if (state.size >= MIN_DISK) return [];
  return [
    `The file system on "${device.path}" is too small: ${formatBytes(state.size)}, k3OS needs ${formatBytes(MIN_DISK)}`,
  ];
}

function foreignOccupants({ occupants }: DeviceFacts): string[] {
  const foreign = occupants.filter(({ ours }) => !ours);
  return foreign.map(({ path, what }) => `"${path}" holds data that is not of k3OS: ${what}`);
}

/** Throws CommandError with all objections, if there are any. */
export function refuse(objections: readonly Objection[]): void {
  const [only] = objections;
  if (only === undefined) return;
  if (objections.length === 1) {
    const hint = only.kind === "consent" ? CONSENT : only.hint;
    throw new CommandError(only.message, hint === undefined ? {} : { hint });
  }
  const lines = objections.flatMap(({ message, hint }) => [message, ...(hint ? [`  Hint: ${hint}`] : [])]);
  const consentHelps = objections.every(({ kind }) => kind === "consent");
  throw new CommandError(
    ["Cannot install:", ...lines].join("\n").replaceAll("\n", "\n  "),
    consentHelps ? { hint: CONSENT } : {},
  );
}

const CONSENT = "to erase it anyway, use --force, or k3os.install.force in an unattended installation";
