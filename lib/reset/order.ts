import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { flushDirectory, writeFileAtomic } from "../tools/fs/atomic.ts";
import { RESET } from "../tools/host/paths.ts";
import { keepList } from "../tools/node/reset-marker.ts";
import { CommandError } from "../tools/text/errors.ts";
import type { ResetFacts } from "./reset-facts.ts";

/** Throws CommandError unless a reset has an effect on this system: it must be installed. */
export function checkReset({ mode, ephemeral, keep }: ResetFacts): void {
  if (mode !== "local") {
    const what =
      mode === undefined
        ? "it does not run k3OS"
        : `it runs in the mode "${mode}", and all its data are in memory`;
    throw new CommandError(`Cannot reset this machine: ${what}`);
  }
  if (ephemeral && keep.length > 0) {
    throw new CommandError("Nothing can be kept: this system is ephemeral, and every start deletes all data");
  }
}

/**
 * Orders the reset of a system directory at the next boot, and replaces an earlier order. After a power cut at any
 * time, one of the two is ordered, or none: never more deletion than one of them means.
 */
export function orderReset(system: string, keep: readonly string[]): void {
  const [everything, keeping] = [join(system, RESET.everything), join(system, RESET.keeping)];
  if (keep.length === 0) {
    writeFileAtomic(everything, "");
    rmSync(keeping, { force: true });
  } else {
    rmSync(everything, { force: true });
    flushDirectory(system);
    writeFileAtomic(keeping, keepList(keep));
  }
  flushDirectory(system);
}

/** Cancels the order; returns whether there was one. */
export function cancelReset(system: string): boolean {
  const markers = Object.values(RESET).map((name) => join(system, name));
  const found = markers.filter((path) => existsSync(path));
  for (const path of found) rmSync(path);
  if (found.length > 0) flushDirectory(system);
  return found.length > 0;
}
