import { holdersOf } from "../tools/disk/holders.ts";
import { sfdiskScript } from "../tools/disk/partitions.ts";
import { LABEL } from "../tools/host/paths.ts";
import { formatBytes } from "../tools/terminal/progress.ts";
import type { InstallFacts } from "./install-facts.ts";
import type { DiskPlan, InstallPlan, Loader, TakeoverPlan } from "./install-plan.ts";

const AFTERWARDS = {
  return: "nothing more",
  restart: "reboot",
  "power-off": "power off",
} as const;

/** The plan for the user, as printed by `--dry-run`, without secrets of the configuration. */
export function describePlan(plan: InstallPlan, facts: InstallFacts, origins: PlanOrigins): string {
  const { medium } = plan;
  const lines = [...heading(plan, origins), "", ...describeTarget(plan, facts)];
  lines.push(`Copy ${formatBytes(medium.size)} in ${medium.entries.length} files and directories`);
  const { names, size } = medium.images;
  if (names.length > 0) {
    lines.push(`Container images for k3s, without a network: ${names.join(", ")} (${formatBytes(size)})`);
  }
  for (const file of plan.files) lines.push(`Write ${file.path} (${Buffer.byteLength(file.content)} bytes)`);
  lines.push(`Configuration: ${origins.config}`);
  for (const line of facts.network?.summary ?? []) lines.push(`Network: ${line}`);
  if (plan.kind === "disk") lines.push(`Install GRUB (${plan.grub.name})`);
  if (plan.kind === "takeover") lines.push(...describeTakeover(plan));
  lines.push(`Then: ${AFTERWARDS[plan.afterwards]}`, "");
  return lines.join("\n");
}

/** The changes to the target file system. */
function describeTarget(plan: InstallPlan, facts: InstallFacts): string[] {
  const { path, uuid } = plan.state;
  switch (plan.kind) {
    case "disk":
      return describeDisk(plan, facts);
    case "partition": {
      const label = plan.relabel ? [`Label ${path} ${LABEL.state}`] : [];
      return [`Keep the file system on ${path}, its data, and the boot loader`, ...label];
    }
    case "takeover": {
      const { grub } = facts.takeover ?? {};
      return [
        `Replace the running system on ${path}, UUID ${uuid}`,
        `Started by GRUB ${grub?.version ?? ""} (${grub?.platform}) with ${plan.menu.path}`,
      ];
    }
  }
}

function describeDisk(
  { device, layout, loader, state }: DiskPlan,
  facts: Pick<InstallFacts, "device">,
): string[] {
  const holders = facts.device === undefined ? [] : holdersOf(facts.device.device);
  const partitions = sfdiskScript(layout).trimEnd().split("\n");
  return [
    ...holders.map(({ path, type }) => `Stop ${path} (${type})`),
    ...erasure(device, occupantsOf(facts)),
    `Partition it for ${firmwareOf(loader)}:`,
    ...partitions.map((line) => `  ${line}`),
    ...(loader.kind === "efi" ? [`Format ${loader.esp} with FAT32, label ${LABEL.esp}`] : []),
    `Format ${state.path} with ext4, label ${LABEL.state}, UUID ${state.uuid}`,
  ];
}

function occupantsOf({ device }: Pick<InstallFacts, "device">): string[] {
  return (device?.occupants ?? []).map(({ path, what }) => `  ${path}: ${what}`);
}

function erasure(device: string, occupants: readonly string[]): string[] {
  return [`Erase everything on ${device}${occupants.length === 0 ? ", which is empty" : ":"}`, ...occupants];
}

function firmwareOf(loader: Loader): string {
  return loader.kind === "efi" ? "UEFI" : "BIOS";
}

function heading({ medium, device, size }: InstallPlan, origins: PlanOrigins): string[] {
  const { k3os, kernel, k3s } = medium.versions;
  return [
    `Install k3OS ${k3os} (kernel ${kernel}, k3s ${k3s ?? "fetched at the first boot"})`,
    `from ${origins.medium}`,
    `to ${device} (${formatBytes(size)})`,
  ];
}

/** The summary of a plan before it is applied; with the prompt it fits on a screen of 24 lines. */
export function summarizePlan(plan: InstallPlan, facts: InstallFacts, origins: PlanOrigins): string {
  const lines = [
    ...heading(plan, origins),
    ...(plan.kind === "disk"
      ? summarizeDisk(plan, facts)
      : [`Keep the file system on ${plan.state.path} and its data`]),
    `Configuration: ${origins.config}`,
    ...shortened((facts.network?.summary ?? []).map((line) => `Network: ${line}`)),
    `Then: ${AFTERWARDS[plan.afterwards]}`,
  ];
  return `${lines.join("\n")}\n`;
}

function summarizeDisk({ device, loader }: DiskPlan, facts: Pick<InstallFacts, "device">): string[] {
  const [erased = "", ...occupants] = erasure(device, occupantsOf(facts));
  const made = loader.kind === "efi" ? `${LABEL.esp} (FAT32) and ${LABEL.state} (ext4)` : LABEL.state;
  return [erased, ...shortened(occupants), `Make ${made}, started by ${firmwareOf(loader)}`];
}

/** The line limit of a list. */
const SHOWN = 5;

function shortened(lines: readonly string[]): string[] {
  const left = lines.length - SHOWN;
  return left > 0 ? [...lines.slice(0, SHOWN), `  and ${left} more`] : [...lines];
}

function describeTakeover({ menu, record }: TakeoverPlan): string[] {
  return [
    `Write ${menu.path} (${Buffer.byteLength(menu.content)} bytes), and keep the old one for "k3os takeover --undo"`,
    "At the next boot: check the new system, delete everything else, and",
    record.afterwards === "power-off" ? "power off" : "restart into k3OS",
  ];
}

export interface PlanOrigins {
  readonly medium: string;
  readonly config: string;
}
