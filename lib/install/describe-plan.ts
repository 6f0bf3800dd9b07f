import { holdersOf } from "../tools/disk/holders.ts";
import { sfdiskScript } from "../tools/disk/partitions.ts";
import { LABEL } from "../tools/host/paths.ts";
import { formatBytes } from "../tools/terminal/progress.ts";
import type { InstallFacts } from "./install-facts.ts";
import type { InstallPlan, TakeoverPlan } from "./install-plan.ts";

const AFTERWARDS = {
  return: "nothing more",
  restart: "reboot",
  "power-off": "power off",
} as const;

/** The plan for people, as `--dry-run` prints it. Secrets of the configuration are not in it. */
export function describePlan(plan: InstallPlan, facts: InstallFacts, origins: PlanOrigins): string {
  const { medium, disk, state } = plan;
  const lines = [...heading(plan, origins), ""];
  const occupants = facts.device?.occupants ?? [];
  if (plan.takeover !== undefined) {
    const { grub } = facts.takeover ?? {};
    lines.push(`Replace the running system on ${state.path}, UUID ${state.uuid}`);
    lines.push(`Started by GRUB ${grub?.version ?? ""} (${grub?.platform}) with ${plan.takeover.menu.path}`);
  } else if (disk !== undefined) {
    const holders = facts.device === undefined ? [] : holdersOf(facts.device.device);
    lines.push(...holders.map(({ path, type }) => `Stop ${path} (${type})`));
    lines.push(`Erase everything on ${plan.device}${occupants.length === 0 ? ", which is empty" : ":"}`);
    lines.push(...occupants.map(({ path, what }) => `  ${path}: ${what}`));
    lines.push(`Partition it for ${disk.loader.kind === "efi" ? "UEFI" : "BIOS"}:`);
    lines.push(
      ...sfdiskScript(disk.layout)
        .trimEnd()
        .split("\n")
        .map((line) => `  ${line}`),
    );
    if (disk.loader.kind === "efi") lines.push(`Format ${disk.loader.esp} with FAT32, label ${LABEL.esp}`);
    lines.push(`Format ${state.path} with ext4, label ${LABEL.state}, UUID ${state.uuid}`);
  } else {
    lines.push(`Keep the file system on ${state.path}, its data, and the boot loader`);
    if (state.relabel) lines.push(`Label ${state.path} ${LABEL.state}`);
  }
  lines.push(`Copy ${formatBytes(medium.size)} in ${medium.entries.length} files and directories`);
  for (const file of plan.files) lines.push(`Write ${file.path} (${Buffer.byteLength(file.content)} bytes)`);
  lines.push(`Configuration: ${origins.config}`);
  for (const line of facts.network?.summary ?? []) lines.push(`Network: ${line}`);
  if (disk !== undefined) lines.push(`Install GRUB (${disk.grub.name})`);
  if (plan.takeover !== undefined) lines.push(...describeTakeover(plan.takeover));
  lines.push(`Then: ${AFTERWARDS[plan.afterwards]}`, "");
  return lines.join("\n");
}

function heading({ medium, device, size }: InstallPlan, origins: PlanOrigins): string[] {
  const { k3os, kernel, k3s } = medium.versions;
  return [
    `Install k3OS ${k3os} (kernel ${kernel}, k3s ${k3s ?? "fetched at the first boot"})`,
    `from ${origins.medium}`,
    `to ${device} (${formatBytes(size)})`,
  ];
}

/** What a person wants to see of a plan before it is carried out; with the question it fits on a screen of 24 lines. */
export function summarizePlan(plan: InstallPlan, facts: InstallFacts, origins: PlanOrigins): string {
  const { disk, state, device } = plan;
  const occupants = (facts.device?.occupants ?? []).map(({ path, what }) => `  ${path}: ${what}`);
  const erased = [`Erase everything on ${device}${occupants.length === 0 ? ", which is empty" : ":"}`];
  const made = disk?.loader.kind === "efi" ? `${LABEL.esp} (FAT32) and ${LABEL.state} (ext4)` : LABEL.state;
  const lines = [
    ...heading(plan, origins),
    ...(disk === undefined ? [] : [...erased, ...shortened(occupants)]),
    disk === undefined
      ? `Keep the file system on ${state.path} and its data`
      : `Make ${made}, started by ${disk.loader.kind === "efi" ? "UEFI" : "BIOS"}`,
    `Configuration: ${origins.config}`,
    ...shortened((facts.network?.summary ?? []).map((line) => `Network: ${line}`)),
    `Then: ${AFTERWARDS[plan.afterwards]}`,
  ];
  return `${lines.join("\n")}\n`;
}

/** Lines of a list that may be long. */
const SHOWN = 5;

function shortened(lines: readonly string[]): string[] {
  const left = lines.length - SHOWN;
  return left > 0 ? [...lines.slice(0, SHOWN), `  and ${left} more`] : [...lines];
}

function describeTakeover({ menu, record }: TakeoverPlan): string[] {
  return [
    `Write ${menu.path} (${Buffer.byteLength(menu.content)} bytes), and keep the old one for "k3os takeover --undo"`,
    "At the next start: check the new system, delete everything else, and",
    record.afterwards === "power-off" ? "power off" : "restart into k3OS",
  ];
}

export interface PlanOrigins {
  readonly medium: string;
  readonly config: string;
}
