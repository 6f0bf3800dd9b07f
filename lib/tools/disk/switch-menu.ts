import { linkSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { syncFileSystem } from "../host/sys.ts";

export interface MenuSwitch {
  /** The menu that GRUB reads. */
  readonly menu: string;
  /** The file that replaces it; this name is removed. */
  readonly next: string;
  /** The new name of the old menu; an existing file of this name is replaced. */
  readonly kept: string;
}

/**
 * Replaces GRUB's menu with another file on the same file system. After a power cut at any time, GRUB finds one of the
 * two menus complete; when this returns, it no longer needs the old one. Throws if this is not possible.
 *
 * GRUB reads the file system without replaying its journal: it sees each block as last written to its final location.
 * The kernel does that in any order, at any time after the commit. A directory may name a file that does not exist yet,
 * or no longer. So all new data is written before the one block that names the menu changes, and the old menu still
 * exists when that block is written.
 */
export function switchMenu({ menu, next, kept }: MenuSwitch): void {
  rmSync(kept, { force: true });
  linkSync(menu, kept);
  syncFileSystem(dirname(menu));
  renameSync(next, menu);
  syncFileSystem(dirname(menu));
}
