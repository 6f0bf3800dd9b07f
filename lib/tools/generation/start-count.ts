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

/** Starts that a new generation gets: the second makes up for a power cut during the first. */
export const STARTS = 2;

/**
 * Tells the boot menu how many starts are left; undefined: as many as you like. It is written in place, so that it needs no
 * free block. A system that another boot loader starts has no such menu: there the record counts. Failing to tell is no
 * reason to stop, since the record counts then, too.
 */
export function countStarts(system: string, left: number | undefined, host: Pick<Host, "log">): void {
  const block = environmentOf(system);
  if (block === undefined) return;
  try {
    if (variablesOf(block) !== undefined) setVariable(block, TRIAL_VARIABLE, left?.toString());
    else makeAnew(block, left, host);
  } catch (error) {
    host.log.warn(`The boot menu cannot be told of the new generation: ${messageOf(error)}`);
  }
}

/** The starts that are left by the boot menu's count: `0` to {@link STARTS}; undefined where it counts none. */
export function startsLeft(system: string): string | undefined {
  const block = environmentOf(system);
  return block === undefined ? undefined : variablesOf(block)?.get(TRIAL_VARIABLE);
}

/** Whether a boot menu counts the starts of this system. */
export function menuCounts(system: string): boolean {
  const block = environmentOf(system);
  return block !== undefined && variablesOf(block) !== undefined;
}

/** GRUB's environment block on the file system of a system directory `ROOT/k3os/system`: where it is, or where our menu wants it. */
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
    return undefined; // missing, of another size, or something else
  }
}

/** GRUB may make more of a damaged block than we do. Only that of our own menu is ours to replace. */
function makeAnew(block: string, left: number | undefined, host: Pick<Host, "log">): void {
  if (left === undefined && !isThere(block)) return;
  if (!isOurs(dirname(block))) {
    host.log.warn(`The boot menu cannot be told of the new generation: "${block}" is no block of GRUB's`);
    return;
  }
  const kept = isThere(block) ? keepDamaged(block) : undefined;
  writeFileAtomic(block, withVariable(emptyEnvironment(), TRIAL_VARIABLE, left?.toString()));
  syncFileSystem(dirname(block)); // GRUB does not replay the journal
  const what = kept === undefined ? "was missing" : `was damaged, and is kept as "${kept}"`;
  host.log.warn(`The boot menu's "${block}" ${what}: made anew`);
}
