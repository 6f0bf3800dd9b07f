import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { GRUB_DIRECTORIES } from "../../tools/disk/grubenv.ts";
import { removeUnfinished } from "../../tools/fs/atomic.ts";
import type { Host } from "../../tools/host/host.ts";
import { inRoot, PATH } from "../../tools/host/paths.ts";
import { messageOf } from "../../tools/text/errors.ts";

/** Directories of the state file system with atomic writes, as seen from the running root. */
const ON_STATE = [PATH.system, ...GRUB_DIRECTORIES].map((path) => `${PATH.base}${path}`);

/**
 * Removes partial files that a power cut left in the directories that are ours alone; elsewhere the next write of the
 * same file removes them. Logs files that cannot be removed.
 */
export function removeLeftWrites(host: Pick<Host, "root" | "log">): void {
  const state = inRoot(host, PATH.localState);
  const below = existsSync(state) ? readdirSync(state, { withFileTypes: true }) : [];
  const own = below.filter((entry) => entry.isDirectory()).map(({ name }) => join(state, name));
  for (const directory of [...ON_STATE.map((path) => inRoot(host, path)), state, ...own]) {
    try {
      if (existsSync(directory)) removeUnfinished(directory);
    } catch (error) {
      host.log.warn(`"${directory}" may hold unfinished files: ${messageOf(error, directory)}`);
    }
  }
}
