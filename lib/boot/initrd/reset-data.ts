import { lstatSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { flushDirectory } from "../../tools/fs/atomic.ts";
import { PATH, RESET } from "../../tools/host/paths.ts";
import { syncFileSystem } from "../../tools/host/sys.ts";
import { type ResetOrder, readResetOrder } from "../../tools/node/reset-marker.ts";
import { messageOf } from "../../tools/text/errors.ts";
import type { BootHost } from "../boot-host.ts";

/**
 * Deletes the data of a state file system if a marker requests it: once (`factory-reset`, everything;
 * `factory-reset.json`, everything except its list) or at every boot (`ephemeral`). The marker is removed last, after
 * the deletion has reached the disk, so an interrupted deletion is repeated; deleting twice does no harm. Deletes
 * nothing if the list is invalid. Throws the errors of the file system.
 */
export function resetData(root: string, host: Pick<BootHost, "log">): void {
  const system = join(root, PATH.system);
  let order: ResetOrder | undefined;
  try {
    order = readResetOrder(system);
  } catch (error) {
    host.log.error(`${messageOf(error)}: nothing is deleted`);
  }
  if (order === undefined) return;
  const { marker, keep } = order;
  host.log.info(`Deleting all data${keep.length > 0 ? ` but ${keep.join(", ")}` : ""} (marker ${marker})`);
  deleteAllBut(
    join(root, "k3os/data"),
    keep.map((path) => path.slice(1)),
  );
  const once = Object.values(RESET).map((name) => join(system, name));
  if (!once.some((path) => lstatSync(path, { throwIfNoEntry: false }) !== undefined)) return;
  syncFileSystem(root);
  for (const path of once) rmSync(path, { recursive: true, force: true });
  flushDirectory(system);
}

/**
 * Deletes a directory except for paths below it, which stay with their parent directories. Links are deleted, never
 * followed: even if a link replaces a parent directory of a kept path, nothing outside is touched.
 */
function deleteAllBut(path: string, keep: readonly string[]): void {
  const isDirectory = lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  if (keep.length === 0 || !isDirectory) {
    rmSync(path, { recursive: true, force: true });
    return;
  }
  for (const name of readdirSync(path)) {
    if (keep.includes(name)) continue;
    const below = keep
      .filter((kept) => kept.startsWith(`${name}/`))
      .map((kept) => kept.slice(name.length + 1));
    deleteAllBut(join(path, name), below);
  }
}
