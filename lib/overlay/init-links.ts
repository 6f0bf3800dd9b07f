import { linkSync, lstatSync, mkdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { dirname } from "node:path";
import { flushDirectory } from "../tools/fs/atomic.ts";
import { isThere, linkTarget, locate, replaceLink } from "../tools/fs/links.ts";
import { syncFileSystem } from "../tools/host/sys.ts";
import { FOREIGN_ROOT_LINKS, KEPT_SUFFIX, oldInit } from "../tools/node/foreign-root.ts";
import { CommandError } from "../tools/text/errors.ts";

/** The name that the kernel executes; all others must exist before. */
const INIT = "sbin/init";
const OTHERS = Object.keys(FOREIGN_ROOT_LINKS).filter((name) => name !== INIT);

/**
 * Installs our links in a root, `/sbin/init` last and in one step; an existing file of one of the names is kept beside
 * it as `NAME.before-k3os`. All else must be on the disk already. Throws CommandError.
 */
export function takeNames(root: string): void {
  change(root, [...OTHERS, INIT], (path, name) => {
    const target = FOREIGN_ROOT_LINKS[name] ?? "";
    if (linkTarget(path) === target) return;
    keep(path);
    replaceLink(path, target);
  });
}

/** Keeps an existing file under a second name; a file kept earlier is not replaced by a later one. */
function keep(path: string): void {
  const kept = `${path}${KEPT_SUFFIX}`;
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || isThere(kept)) return;
  if (found.isSymbolicLink()) symlinkSync(readlinkSync(path), kept);
  else linkSync(path, kept);
  flushDirectory(dirname(path));
}

/**
 * Removes our links, `/sbin/init` first, and restores the files with these names. Returns the init program of the next
 * boot. Throws CommandError without changes if there is none.
 */
export function giveNamesBack(root: string): string {
  const old = oldInit(root);
  if (old === undefined) {
    throw new CommandError(`"${root}" has no other init program: nothing could start it without k3OS`);
  }
  change(root, [INIT, ...OTHERS], (path, name) => {
    if (linkTarget(path) !== FOREIGN_ROOT_LINKS[name]) return;
    const kept = `${path}${KEPT_SUFFIX}`;
    if (isThere(kept)) renameSync(kept, path);
    else if (name !== INIT) rmSync(path);
    else replaceLink(path, old); // tar has overwritten the link
  });
  return old;
}

function change(root: string, names: readonly string[], step: (path: string, name: string) => void): void {
  try {
    for (const name of names) {
      const path = locate(root, name);
      mkdirSync(dirname(path), { recursive: true });
      if (name === INIT) syncFileSystem(root);
      step(path, name);
      flushDirectory(dirname(path));
    }
    syncFileSystem(root);
  } catch (cause) {
    throw new CommandError(`Cannot change the names in "${root}"`, { cause });
  }
}
