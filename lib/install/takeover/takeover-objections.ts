import { LABEL } from "../../tools/host/paths.ts";
import { formatBytes } from "../../tools/terminal/progress.ts";
import type { InstallFacts } from "../install-facts.ts";
import { MIN_DISK } from "../state-facts.ts";
import type { GrubFacts } from "./takeover-facts.ts";

/** All objections to the replacement of the running system; each has what was found and what is expected. */
export function takeoverObjections({ takeover, root, device }: InstallFacts): string[] {
  if (takeover === undefined || root === undefined) {
    return ['The root file system is not on a device that can be found: --takeover needs "/" on a partition'];
  }
  const { state, writable, apart, grub, foreignTree, otherStates } = takeover;
  const found: string[] = [];
  if (device === undefined) found.push("Device not found: omit DEVICE, it is the partition of /");
  else if (device.device.path !== root.path) {
    found.push(`"${device.device.path}" is not what "/" is on: --takeover needs "${root.path}"`);
  }
  if (root.type !== "part") {
    found.push(`"/" is on "${root.path}" (${root.type}): --takeover needs a plain partition`);
  }
  if (state?.type !== "ext4") {
    found.push(`"/" has a file system of type "${state?.type ?? "unknown"}": --takeover needs ext4`);
  } else if (state.uuid === undefined) {
    found.push(`The file system on "${root.path}" has no UUID`);
  }
  if (state !== undefined && state.size < MIN_DISK) {
    found.push(
      `"${root.path}" is too small: ${formatBytes(state.size)}, k3OS needs ${formatBytes(MIN_DISK)}`,
    );
  }
  if (!writable) found.push('"/" is mounted read-only: mount -o remount,rw /');
  for (const path of apart) {
    found.push(`"${path}" is on a file system of its own: --takeover needs it on that of "/"`);
  }
  if (foreignTree) found.push('There is a "/k3os" that no takeover has made: move it away');
  for (const path of otherStates) {
    found.push(`"${path}" is also labelled "${LABEL.state}": the new system must be the only one`);
  }
  return [...found, ...grubObjections(grub)];
}

function grubObjections(grub: GrubFacts | undefined): string[] {
  if (grub === undefined) {
    return ["There is no /boot/grub/grub.cfg nor /boot/grub2/grub.cfg: --takeover needs GRUB 2"];
  }
  const { directory, platform, version, missingModules, plainMenu, plainEnvironment } = grub;
  const found: string[] = [];
  if (!plainMenu) found.push(`"${directory}/grub.cfg" is not a plain file`);
  if (!plainEnvironment) {
    found.push(`"${directory}/grubenv" is not a plain file of GRUB, so it cannot record a failed boot`);
  }
  if (missingModules.length > 0) {
    const which = version === undefined ? "GRUB" : `GRUB ${version}`;
    const names = missingModules.map((name) => `${name}.mod`).join(", ");
    found.push(
      `${which} has no ${names} in ${directory}/${platform}: run grub-install for this machine first`,
    );
  }
  return found;
}
