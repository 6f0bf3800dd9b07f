import { join } from "node:path";
import { LOCKED_BY_US, lockDisk } from "../tools/disk/disk-lock.ts";
import { eraseEnds } from "../tools/disk/erase.ts";
import { isClaimed, stopHolders } from "../tools/disk/holders.ts";
import { mounted } from "../tools/disk/mount.ts";
import { partitionPath, sfdiskScript } from "../tools/disk/partitions.ts";
import { addPartitions, comesAbout, forgetPartitions, recallPartitions } from "../tools/disk/settle.ts";
import { MIB } from "../tools/fs/size.ts";
import { cmd } from "../tools/host/cmd.ts";
import type { Host } from "../tools/host/host.ts";
import { inRoot, LABEL, PATH } from "../tools/host/paths.ts";
import { formatBytes } from "../tools/terminal/progress.ts";
import { CommandError, during, messageOf } from "../tools/text/errors.ts";
import { addBootFiles, type CoreImage, makeBootable } from "./boot-loader.ts";
import { copySystem, linkMedium } from "./copy-system.ts";
import type { DiskPlan, InstallPlan, PartitionPlan } from "./install-plan.ts";
import { prepareTakeover } from "./takeover/prepare-takeover.ts";

export type ApplyHost = Pick<Host, "root" | "run" | "log" | "clock" | "progress">;

/** A step of the installation; its title is what the user sees. */
interface Step {
  readonly title: (plan: DiskPlan) => string;
  readonly run: (plan: DiskPlan, host: ApplyHost) => Promise<void>;
}

/** What makes a disk new, in order. Erasing comes first and takes the boot code away: from then on it does not boot. */
const DISK_STEPS: readonly Step[] = [
  { title: ({ device }) => `Erasing ${device}`, run: eraseDisk },
  { title: ({ device }) => `Partitioning ${device}`, run: partitionDisk },
  { title: ({ state }) => `Formatting ${state.path}`, run: formatPartitions },
];

/** Carries out a plan, until `signal` aborts: between two steps or files. */
export async function applyPlan(plan: InstallPlan, signal: AbortSignal, host: ApplyHost): Promise<void> {
  switch (plan.kind) {
    case "disk":
      return await makeDisk(plan, signal, host);
    case "partition":
      return await keepAndCopy(plan, signal, host);
    case "takeover":
      return await prepareTakeover(plan, signal, host);
  }
}

/**
 * Until the very last write of a new disk, it does not boot; when a step fails, or `signal` aborts, its partition table is
 * taken away again, so that neither firmware nor a later installation takes it for a system.
 */
async function makeDisk(plan: DiskPlan, signal: AbortSignal, host: ApplyHost): Promise<void> {
  await using _lock = await during(`Locking ${plan.device}`, () => lockDisk(plan.device, host));
  await during(`Taking ${plan.device} out of use`, () => freeDisk(plan.device, host));
  if (signal.aborted) await recallPartitions(plan.device, host); // nothing has been written yet
  signal.throwIfAborted();
  try {
    for (const step of DISK_STEPS) {
      signal.throwIfAborted();
      const title = step.title(plan);
      host.log.info(`${title} …`);
      await during(title, () => step.run(plan, host));
    }
    const core = await fillState(plan, signal, host);
    signal.throwIfAborted();
    host.log.info(`Making ${plan.device} bootable …`);
    await during(`Making ${plan.device} bootable`, () => makeBootable(plan, core, host));
  } catch (error) {
    await clearTable(plan, host);
    signal.throwIfAborted(); // programs that the same signal ended are no failure of their own
    throw error;
  }
}

async function keepAndCopy(plan: PartitionPlan, signal: AbortSignal, host: ApplyHost): Promise<void> {
  await fillState(plan, signal, host);
  if (plan.relabel) await host.run(cmd`tune2fs -L ${LABEL.state} ${plan.state.path}`);
}

/** Makes the disk ours alone, in the kernel's eyes too. Nothing is written to it: when that fails, all is as it was. */
async function freeDisk(device: string, host: ApplyHost): Promise<void> {
  await stopHolders(device, host);
  if (!(await comesAbout(() => !isClaimed(device), host))) {
    throw new CommandError(`"${device}" is in use by another program or container`);
  }
  await forgetPartitions(device, host);
}

async function eraseDisk({ device, erased }: DiskPlan, host: ApplyHost): Promise<void> {
  // the table first: what an interruption leaves is an empty disk, and not one with partitions of nobody's
  eraseEnds(device, erased, MIB);
  await host.run(cmd`wipefs --all --force ${device}`, { env: LOCKED_BY_US });
}

async function partitionDisk({ device, layout }: DiskPlan, host: ApplyHost): Promise<void> {
  // what an older system left where a partition now begins or ends would otherwise be found again
  const wipe = ["--wipe", "always", "--wipe-partitions", "always"];
  const argv = cmd`sfdisk --quiet --no-reread --no-tell-kernel ${wipe} ${device}`;
  await host.run(argv, { input: sfdiskScript(layout), env: LOCKED_BY_US });
  await addPartitions(
    device,
    layout.partitions.map(({ number }) => partitionPath(device, number)),
    host,
  );
}

async function formatPartitions({ state, loader, ext4Off }: DiskPlan, host: ApplyHost): Promise<void> {
  if (loader.kind === "efi") await host.run(cmd`mkfs.vfat -F 32 -n ${LABEL.esp} ${loader.esp}`);
  const off = ext4Off.length === 0 ? [] : ["-O", ext4Off.map((name) => `^${name}`).join(",")];
  // the journal keeps its size when the file system grows, so it is larger than mke2fs would make it for this one
  const options = ["-J", "size=64", "-L", LABEL.state, "-U", state.uuid];
  await host.run(cmd`mkfs.ext4 -q -F ${off} ${options} ${state.path}`);
}

/** Puts everything into the state file system, and leaves it unmounted and flushed. */
async function fillState(
  plan: DiskPlan | PartitionPlan,
  signal: AbortSignal,
  host: ApplyHost,
): Promise<CoreImage | undefined> {
  const { medium, state } = plan;
  const mountPoint = inRoot(host, join(PATH.installDir, "target"));
  await using target = await mounted(state.path, mountPoint, { type: "ext4" }, host);
  host.log.info(`Copying ${formatBytes(medium.size)} to ${state.path} …`);
  await copySystem(plan, target.path, signal, host);
  const core = await during("Preparing the boot loader", () => addBootFiles(plan, target.path, host));
  host.log.info("Writing everything to the disk …");
  await host.run(cmd`sync --file-system ${target.path}`);
  linkMedium(medium, target.path);
  await host.run(cmd`sync --file-system ${target.path}`);
  return core;
}

/** After a failure: without a table nothing on the disk is found, neither by firmware nor by a later installation. */
async function clearTable({ device, size }: DiskPlan, host: ApplyHost): Promise<void> {
  try {
    eraseEnds(device, [{ start: 0, size }], MIB);
    await host.run(cmd`partx --delete ${device}`, { check: false }); // there may be no partitions yet
  } catch (error) {
    host.log.warn(`The unfinished installation on "${device}" could not be erased: ${messageOf(error)}`);
  }
}
