import { existsSync } from "node:fs";
import { CommandError } from "../errors.ts";
import type { Host } from "../host.ts";
import { inRoot, PATH } from "../paths.ts";

const NODE_WAIT = 10_000;
const NODE_POLL = 100;

/**
 * Makes the kernel and /dev follow a partition table just written, and returns when the nodes of all its partitions
 * are there. udev re-reads a table by itself when a disk is closed after writing; it must be done with that, or it would
 * take the nodes away again under our hands. Throws CommandError after ten seconds without the nodes.
 */
export async function updatePartitions(
  disk: string,
  nodes: readonly string[],
  host: Pick<Host, "run" | "root" | "clock">,
): Promise<void> {
  await settle(host);
  // also where the kernel was built without a parser for the table
  if (!nodes.every((node) => existsSync(node))) await host.run(["partx", "--update", disk]);
  await settle(host);
  const deadline = host.clock.monotonic() + NODE_WAIT;
  for (;;) {
    const missing = nodes.find((node) => !existsSync(node));
    if (missing === undefined) return;
    if (host.clock.monotonic() > deadline)
      throw new CommandError(`The partition "${missing}" did not appear`);
    await host.clock.sleep(NODE_POLL);
  }
}

/** Waits until udev has handled all events so far; without udev nothing has to be waited for. */
export async function settle(host: Pick<Host, "run" | "root">): Promise<void> {
  if (!existsSync(inRoot(host, PATH.udevControl))) return;
  await host.run(["udevadm", "settle", "--timeout=30"], { check: false }); // a slow event must not stop us here
}
