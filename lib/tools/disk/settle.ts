import { existsSync } from "node:fs";
import { cmd } from "../host/cmd.ts";
import type { Host } from "../host/host.ts";
import { inRoot, PATH } from "../host/paths.ts";
import { CommandError } from "../text/errors.ts";
import { findBlockDevice, listBlockDevices } from "./lsblk.ts";

const WAIT = 10_000;
const POLL = 100;

/** Looks ten times a second whether something has come about; false if it has not after ten seconds. */
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
 * Has the kernel forget the partitions of a disk, whose table stays as it is. It does not as long as anybody has one of
 * them open. Throws CommandError after ten seconds, with all partitions there again.
 */
export async function forgetPartitions(disk: string, host: Pick<Host, "run" | "clock">): Promise<void> {
  const gone = await comesAbout(async () => {
    if ((await partitionNodes(disk, host)).length === 0) return true;
    await host.run(cmd`partx --delete ${disk}`, { check: false }); // whether it worked is seen by what is left
    return (await partitionNodes(disk, host)).length === 0;
  }, host);
  if (gone) return;
  const [open] = await partitionNodes(disk, host);
  await recallPartitions(disk, host);
  throw new CommandError(`Another program has "${open}" open`);
}

/** Has the kernel know the partitions of a disk's table again. */
export async function recallPartitions(disk: string, host: Pick<Host, "run">): Promise<void> {
  await host.run(cmd`partx --update ${disk}`, { check: false }); // as good as can be: the table on the disk is what counts
}

async function partitionNodes(disk: string, host: Pick<Host, "run">): Promise<string[]> {
  const found = findBlockDevice(await listBlockDevices(host), disk);
  return (found?.device.children ?? []).filter(({ type }) => type === "part").map(({ path }) => path);
}

/**
 * Makes the kernel and /dev follow the partition table of a disk that has had none, and returns when the nodes of all its
 * partitions are there. Throws CommandError after ten seconds without them.
 */
export async function addPartitions(
  disk: string,
  nodes: readonly string[],
  host: Pick<Host, "run" | "clock">,
): Promise<void> {
  // by partx: it reads the table itself, also where the kernel was built without a parser for it
  await host.run(cmd`partx --update ${disk}`);
  if (await comesAbout(() => nodes.every((node) => existsSync(node)), host)) return;
  throw new CommandError(`The partition "${nodes.find((node) => !existsSync(node))}" did not appear`);
}

/** Waits until udev has handled all events so far; without udev nothing has to be waited for. */
export async function settle(host: Pick<Host, "run" | "root">): Promise<void> {
  if (!existsSync(inRoot(host, PATH.udevControl))) return;
  await host.run(cmd`udevadm settle --timeout=30`, { check: false }); // a slow event must not stop us here
}
