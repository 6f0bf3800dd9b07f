import { linkSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { syncFileSystem } from "../host/sys.ts";

export interface MenuSwitch {
  /** The menu that GRUB reads. */
  readonly menu: string;
  /** The file that takes its place: loses this name. */
  readonly next: string;
  /** The name under which the old menu stays; a file of this name is replaced. */
  readonly kept: string;
}

/**
 * Exchanges GRUB's menu for another file on the same file system. Whenever the power goes, GRUB finds one of the two,
 * whole; and when this returns, it no longer needs anything of the old one. Throws if that is not possible.
 *
 * GRUB reads the file system without replaying its journal: it sees each block as it was last written to where it
 * belongs, which the kernel does in any order and at any time after the commit. A directory may name a file that is not
 * there yet, or one that is no longer. So all that is new is written before the one block changes that names the menu,
 * and the old menu still exists when that is written.
 */
export function switchMenu({ menu, next, kept }: MenuSwitch): void {
  rmSync(kept, { force: true });
  linkSync(menu, kept);
  syncFileSystem(dirname(menu));
  renameSync(next, menu);
  syncFileSystem(dirname(menu));
}
