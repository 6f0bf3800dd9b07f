import { lstatSync, readlinkSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { basename, dirname, isAbsolute, join, normalize } from "node:path";
import { CommandError } from "../text/errors.ts";
import { readTextBounded } from "./read-bounded.ts";

/** Whether the path itself exists, even as a dangling link. */
export function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** The target of a link; undefined if there is no link. */
export function linkTarget(path: string): string | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(path) : undefined;
}

/** Replaces a file or link with a link in one step; the directory is not flushed. */
export function replaceLink(path: string, target: string): void {
  const temporary = join(dirname(path), `.${basename(path)}.partial`);
  rmSync(temporary, { force: true });
  symlinkSync(target, temporary);
  renameSync(temporary, path);
}

const MAX_LINKS = 40; // the kernel's limit (path_resolution(7))

/**
 * The real location of a path in a root file system: links are followed with that root as "/", unlike the system does
 * if it is mounted elsewhere. The last component may be missing, and is not followed.
 * Throws CommandError for a loop of links.
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

/** {@link locate}, which also follows the last component; undefined if it does not exist. */
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
 * The text of a file of a root file system, see {@link locateFile}; undefined if it does not exist. Throws CommandError
 * if it is not a file, or cannot be read.
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
