import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  emptyEnvironment,
  GRUB_DIRECTORIES,
  parseEnvironment,
  setVariable,
  TRIAL_VARIABLE,
  withVariable,
} from "../disk/grubenv.ts";
import { writeFileAtomic } from "../fs/atomic.ts";
import { isThere } from "../fs/links.ts";
import { readBounded, readTextBounded } from "../fs/read-bounded.ts";
import { keepDamaged } from "../fs/record.ts";
import type { Host } from "../host/host.ts";
import { syncFileSystem } from "../host/sys.ts";
import { messageOf } from "../text/errors.ts";

/** The number of boots of a new generation: the second compensates for a power cut during the first. */
export const STARTS = 2;

/**
 * Sets the number of boots left for the boot menu; undefined: no limit. It is written in place, so that it needs no
 * free block. A system that another boot loader boots has no such menu: there the record counts. A failure does not
 * throw, since the record counts then, too.
 */
export function countStarts(system: string, left: number | undefined, host: Pick<Host, "log">): void {
  const block = environmentOf(system);
  if (block === undefined) return;
  try {
    if (variablesOf(block) !== undefined) setVariable(block, TRIAL_VARIABLE, left?.toString());
    else makeAnew(block, left, host);
  } catch (error) {
    host.log.warn(`Cannot record the new generation for the boot menu: ${messageOf(error)}`);
  }
}

/** The number of boots left in the boot menu: `0` to {@link STARTS}; undefined if it does not count. */
export function startsLeft(system: string): string | undefined {
  const block = environmentOf(system);
  return block === undefined ? undefined : variablesOf(block)?.get(TRIAL_VARIABLE);
}

/** Whether a boot menu counts the boots of this system. */
export function menuCounts(system: string): boolean {
  const block = environmentOf(system);
  return block !== undefined && variablesOf(block) !== undefined;
}

/**
 * GRUB's environment block for a system directory `ROOT/k3os/system`: an existing one, or the one that our menu
 * expects.
 */
function environmentOf(system: string): string | undefined {
  const root = dirname(dirname(system));
  const directories = GRUB_DIRECTORIES.map((path) => join(root, path));
  const directory =
    directories.find((path) => isThere(join(path, "grubenv"))) ?? directories.find((path) => isOurs(path));
  return directory === undefined ? undefined : join(directory, "grubenv");
}

function isOurs(directory: string): boolean {
  const menu = join(directory, "grub.cfg");
  return existsSync(menu) && readTextBounded(menu).includes(TRIAL_VARIABLE);
}

function variablesOf(block: string): ReadonlyMap<string, string> | undefined {
  try {
    return parseEnvironment(readBounded(block).toString("latin1"));
  } catch {
    return undefined; // missing, of another size, or another type
  }
}

/** GRUB may still be able to read a damaged block. k3OS only replaces the block of its own menu. */
function makeAnew(block: string, left: number | undefined, host: Pick<Host, "log">): void {
  if (left === undefined && !isThere(block)) return;
  if (!isOurs(dirname(block))) {
    host.log.warn(`Cannot record the new generation for the boot menu: "${block}" is not a block of GRUB`);
    return;
  }
  const kept = isThere(block) ? keepDamaged(block) : undefined;
  writeFileAtomic(block, withVariable(emptyEnvironment(), TRIAL_VARIABLE, left?.toString()));
  syncFileSystem(dirname(block)); // GRUB does not replay the journal
  const what = kept === undefined ? "was missing" : `was damaged, and is kept as "${kept}"`;
  host.log.warn(`The boot menu's "${block}" ${what}: made anew`);
}
