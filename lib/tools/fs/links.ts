import { lstatSync, readlinkSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { basename, dirname, isAbsolute, join, normalize } from "node:path";
import { CommandError } from "../text/errors.ts";
import { readTextBounded } from "./read-bounded.ts";

/** Whether the path itself exists, be it a link that leads nowhere. */
export function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** The target of a link, or undefined if there is none. */
export function linkTarget(path: string): string | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(path) : undefined;
}

/** Makes a link in one step in the place of what is there; its directory is not flushed. */
export function replaceLink(path: string, target: string): void {
  const temporary = join(dirname(path), `.${basename(path)}.partial`);
  rmSync(temporary, { force: true });
  symlinkSync(target, temporary);
  renameSync(temporary, path);
}

const MAX_LINKS = 40; // as the kernel counts them (path_resolution(7))

/**
 * Where a path of a root file system really lies: links are followed as they would be with that root as "/", which is not
 * what the system does when it is mounted elsewhere. The last part may be missing, and is not followed.
 * Throws CommandError where links lead in circles.
 */
export function locate(root: string, path: string): string {
  const parts = path.split("/").filter((part) => part !== "");
  const last = parts.pop() ?? "";
  let at = "/";
  let links = 0;
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    const next = normalize(join(at, part)); // ".." of "/" is "/"
    const target = linkTarget(join(root, next));
    if (target === undefined) {
      at = next;
      continue;
    }
    if (++links > MAX_LINKS) throw new CommandError(`The links in "${path}" lead in circles`);
    parts.unshift(...target.split("/").filter((name) => name !== ""));
    if (isAbsolute(target)) at = "/";
  }
  return join(root, normalize(join(at, last)));
}

/** {@link locate}, with the last part followed too; undefined if nothing is there. */
export function locateFile(root: string, path: string): string | undefined {
  let at = path;
  for (let links = 0; links <= MAX_LINKS; links++) {
    const found = locate(root, at);
    const target = linkTarget(found);
    if (target === undefined) return isThere(found) ? found : undefined;
    const inside = found.slice(root.replace(/\/$/, "").length);
    at = isAbsolute(target) ? target : join(dirname(inside), target);
  }
  throw new CommandError(`The links in "${path}" lead in circles`);
}

/**
 * The text of a file of a root file system, see {@link locateFile}; undefined if nothing is there. Throws CommandError for
 * what is no file, or cannot be read.
 */
export function readInRoot(root: string, path: string): string | undefined {
  const file = locateFile(root, path);
  if (file === undefined) return undefined;
  try {
    return readTextBounded(file, { follow: false });
  } catch (cause) {
    throw new CommandError(`Cannot read "${file}"`, { cause });
  }
}
