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

/** A step of the installation; its title is shown to the user. */
interface Step {
  readonly title: (plan: DiskPlan) => string;
  readonly run: (plan: DiskPlan, host: ApplyHost) => Promise<void>;
}

/**
 * The steps for a new disk, in order. Erasing comes first and removes the boot code: from then on the disk does not
 * boot.
 */
const DISK_STEPS: readonly Step[] = [
  { title: ({ device }) => `Erasing ${device}`, run: eraseDisk },
  { title: ({ device }) => `Partitioning ${device}`, run: partitionDisk },
  { title: ({ state }) => `Formatting ${state.path}`, run: formatPartitions },
];

/** Applies a plan. When `signal` aborts, it stops after the current step or file. */
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
 * A new disk does not boot before the very last write. When a step fails, or `signal` aborts, its partition table is
 * removed again, so that neither the firmware nor a later installation finds a system on it.
 */
async function makeDisk(plan: DiskPlan, signal: AbortSignal, host: ApplyHost): Promise<void> {
  await using _lock = await during(`Locking ${plan.device}`, () => lockDisk(plan.device, host));
  await during(`Taking ${plan.device} out of use`, () => freeDisk(plan.device, host));
  if (signal.aborted) await recallPartitions(plan.device, host); // nothing is written yet
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
    signal.throwIfAborted(); // report the abort, not the programs that the signal ended
    throw error;
  }
}

async function keepAndCopy(plan: PartitionPlan, signal: AbortSignal, host: ApplyHost): Promise<void> {
  await fillState(plan, signal, host);
  if (plan.relabel) await host.run(cmd`tune2fs -L ${LABEL.state} ${plan.state.path}`);
}

/** Takes exclusive use of the disk, also in the kernel. It writes nothing: when it fails, the disk is unchanged. */
async function freeDisk(device: string, host: ApplyHost): Promise<void> {
  await stopHolders(device, host);
  if (!(await comesAbout(() => !isClaimed(device), host))) {
    throw new CommandError(`"${device}" is in use by another program or container`);
  }
  await forgetPartitions(device, host);
}

async function eraseDisk({ device, erased }: DiskPlan, host: ApplyHost): Promise<void> {
  // the table first: an interruption must leave an empty disk, not one with unknown partitions
  eraseEnds(device, erased, MIB);
  await host.run(cmd`wipefs --all --force ${device}`, { env: LOCKED_BY_US });
}

async function partitionDisk({ device, layout }: DiskPlan, host: ApplyHost): Promise<void> {
  // remove old signatures where a partition begins or ends, which would be found again
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
  // the journal does not grow with the file system, so it is larger than mke2fs's default for this size
  const options = ["-J", "size=64", "-L", LABEL.state, "-U", state.uuid];
  await host.run(cmd`mkfs.ext4 -q -F ${off} ${options} ${state.path}`);
}

/** Copies everything into the state file system, flushes and unmounts it. */
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

/** After a failure: without a table, neither the firmware nor a later installation finds anything on the disk. */
async function clearTable({ device, size }: DiskPlan, host: ApplyHost): Promise<void> {
  try {
    eraseEnds(device, [{ start: 0, size }], MIB);
    await host.run(cmd`partx --delete ${device}`, { check: false }); // there may be no partitions yet
  } catch (error) {
    host.log.warn(
      `The unfinished installation on "${device}" could not be erased: ${messageOf(error, device)}`,
    );
  }
}
