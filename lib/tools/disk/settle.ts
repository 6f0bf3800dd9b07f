import { existsSync } from "node:fs";
import { cmd } from "../host/cmd.ts";
import type { Host } from "../host/host.ts";
import { inRoot, PATH } from "../host/paths.ts";
import { CommandError } from "../text/errors.ts";
import { findBlockDevice, listBlockDevices } from "./lsblk.ts";

const WAIT = 10_000;
const POLL = 100;

/** Checks a condition ten times a second; false if it does not become true within ten seconds. */
export async function comesAbout(
  look: () => boolean | Promise<boolean>,
  { clock }: Pick<Host, "clock">,
): Promise<boolean> {
  const deadline = clock.monotonic() + WAIT;
  while (!(await look())) {
    if (clock.monotonic() > deadline) return false;
    await clock.sleep(POLL);
  }
  return true;
}

/**
 * Removes the partitions of a disk from the kernel; the table on the disk is kept. The kernel refuses while any of them
 * is open. Throws CommandError after ten seconds, with all partitions restored.
 */
export async function forgetPartitions(disk: string, host: Pick<Host, "run" | "clock">): Promise<void> {
  const gone = await comesAbout(async () => {
    if ((await partitionNodes(disk, host)).length === 0) return true;
    await host.run(cmd`partx --delete ${disk}`, { check: false }); // the remaining partitions show whether it worked
    return (await partitionNodes(disk, host)).length === 0;
  }, host);
  if (gone) return;
  const [open] = await partitionNodes(disk, host);
  await recallPartitions(disk, host);
  throw new CommandError(`Another program has "${open}" open`);
}

/** Restores the partitions of a disk's table in the kernel. */
export async function recallPartitions(disk: string, host: Pick<Host, "run">): Promise<void> {
  await host.run(cmd`partx --update ${disk}`, { check: false }); // best effort: the table on the disk decides
}

async function partitionNodes(disk: string, host: Pick<Host, "run">): Promise<string[]> {
  const found = findBlockDevice(await listBlockDevices(host), disk);
  return (found?.device.children ?? []).filter(({ type }) => type === "part").map(({ path }) => path);
}

/**
 * Updates the kernel and /dev from the partition table of a disk that had none, and returns when the nodes of all its
 * partitions exist. Throws CommandError if one is missing after ten seconds.
 */
export async function addPartitions(
  disk: string,
  nodes: readonly string[],
  host: Pick<Host, "run" | "clock">,
): Promise<void> {
  // partx reads the table itself, even if the kernel was built without a parser for it
  await host.run(cmd`partx --update ${disk}`);
  if (await comesAbout(() => nodes.every((node) => existsSync(node)), host)) return;
  throw new CommandError(`The partition "${nodes.find((node) => !existsSync(node))}" did not appear`);
}

/** Waits until udev has handled all events so far; without udev it returns at once. */
export async function settle(host: Pick<Host, "run" | "root">): Promise<void> {
  if (!existsSync(inRoot(host, PATH.udevControl))) return;
  await host.run(cmd`udevadm settle --timeout=30`, { check: false }); // a slow event must not stop us
}
