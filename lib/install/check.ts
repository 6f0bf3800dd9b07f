import { describeBlockDevice, withDescendants } from "../disk/lsblk.ts";
import { GIB } from "../disk/size.ts";
import { CommandError } from "../errors.ts";
import { LABEL, PATH } from "../paths.ts";
import { formatBytes } from "../progress.ts";
import type { Target } from "../targets.ts";
import type { DeviceFacts, InstallFacts } from "./facts.ts";
import type { InstallSettings } from "./settings.ts";
import { takeoverObjections } from "./takeover-check.ts";

/** What stands in the way of an installation. */
export interface Objection {
  readonly message: string;
  /** The user can lift it by consenting to lose what is on the disk. */
  readonly kind: "consent" | "refusal";
  /** What to do about it. */
  readonly hint?: string;
}

/** Bytes. */
export const MIN_DISK = 2 * GIB;
/** Kinds of block devices that a partition table can be put on and that firmware boots. */
const DISK_TYPES = ["disk", "loop"];

/** Everything that speaks against installing here, all at once; empty: nothing does. */
export function findObjections(settings: InstallSettings, facts: InstallFacts): Objection[] {
  const network = (facts.network?.problems ?? []).map(refusal);
  return [...machineObjections(settings, facts), ...network, ...targetObjections(settings, facts)];
}

/** What speaks against installing from this machine, whatever the disk. */
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
  if (device !== undefined) return `There is no block device "${device}"`;
  if (noFormat) {
    const found = labelled.length === 0 ? "none" : labelled.join(", ");
    return `No device was named, and not exactly one has the label "${LABEL.state}", but ${found}`;
  }
  const disks = candidates.map(describeBlockDevice).join(", ");
  return `No device to install to was named; ${disks === "" ? "there is no free disk" : `there is ${disks}`}`;
}

/** What speaks against one device. */
export function deviceObjections(
  settings: InstallSettings,
  { root, target }: Pick<InstallFacts, "root" | "target">,
  facts: DeviceFacts,
): Objection[] {
  const { device } = facts;
  const refusals = [
    ...(device.readOnly ? [`"${device.path}" is read-only`] : []),
    ...(withDescendants(device).some(({ path }) => path === root?.path)
      ? [runningSystem(device.path, root?.path ?? "", target)]
      : useObjections(facts)),
    ...(settings.noFormat ? stateObjections(facts) : diskObjections(facts)),
  ];
  const consents = settings.force ? [] : foreignOccupants(facts);
  return [...refusals.map(refusal), ...consents.map((message): Objection => ({ kind: "consent", message }))];
}

function runningSystem(device: string, root: string, { kernel }: Pick<Target, "kernel">): string {
  const found = device === root ? `"${device}" is` : `"${device}" holds "${root}", which is`;
  const instead = kernel === undefined ? "" : `; to replace it: --takeover ${root}`;
  return `${found} what the running system is on${instead}`;
}

/** Mounted, used as swap, or part of something bigger: consent does not help, whoever uses it has to stop first. */
function useObjections({ device, busy }: DeviceFacts): string[] {
  const parts = withDescendants(device);
  const mounted = parts.flatMap(({ path, mountpoints }) =>
    mountpoints.map((where) => `"${path}" ${useOf(where)}`),
  );
  const holders = parts.filter(({ path, type }) => path !== device.path && !["part", "disk"].includes(type));
  const uses = [
    ...mounted,
    ...holders.map(({ path, type }) => `"${device.path}" is in use by "${path}" (${type})`),
  ];
  return busy && uses.length === 0 ? [`"${device.path}" is in use by another program or container`] : uses;
}

function useOf(mountpoint: string): string {
  if (mountpoint === "[SWAP]") return "is in use as swap";
  if (mountpoint === PATH.medium) return "is the medium that this system runs from";
  return `is mounted on "${mountpoint}"`;
}

function diskObjections({ device }: DeviceFacts): string[] {
  if (device.type === "part") {
    return [`"${device.path}" is a partition: name the whole disk, or keep its file system with --no-format`];
  }
  if (!DISK_TYPES.includes(device.type)) return [`"${device.path}" is no disk but of type "${device.type}"`];
  if (device.size >= MIN_DISK) return [];
  return [
    `"${device.path}" is too small: it has ${formatBytes(device.size)}, k3OS needs ${formatBytes(MIN_DISK)}`,
  ];
}

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

/** Throws CommandError that names them all, if there are any. */
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

const CONSENT = "to erase it all the same: --force, or k3os.install.force in an unattended installation";
