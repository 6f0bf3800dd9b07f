import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import type { Host } from "../host/host.ts";
import { CommandError, messageOf } from "../text/errors.ts";
import { writeFileAtomic } from "./atomic.ts";
import { isThere } from "./links.ts";
import { isLostCopy } from "./lost-content.ts";
import { readBounded } from "./read-bounded.ts";

/**
 * Copies the entries of a directory that another one lacks, safely across a crash: each file appears completely or not
 * at all, and the next call copies the missing ones. Existing entries stay, except for a file that a power cut has
 * emptied or truncated: it is copied again, and logged. Directories get the mode and owner of the original. A failed
 * copy is logged, and does not stop the others. Throws if `to` itself cannot be created in an existing directory.
 */
export function fillTree(from: string, to: string, host: Pick<Host, "log">): void {
  makeDirectory(from, to);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    try {
      if (entry.isDirectory()) fillTree(source, target, host);
      else if (entry.isFile()) fillFile(source, target, host);
      else if (entry.isSymbolicLink() && !isThere(target)) symlinkSync(readlinkSync(source), target);
    } catch (error) {
      host.log.error(messageOf(error));
    }
  }
}

/** A link to a directory is accepted. */
function makeDirectory(source: string, target: string): void {
  const expected = statSync(source);
  if (!isThere(target)) mkdirSync(target);
  const found = statSync(target);
  if (!found.isDirectory())
    throw new CommandError(`"${target}" is not a directory: nothing is copied into it`);
  if (found.uid === expected.uid && found.gid === expected.gid && found.mode === expected.mode) return;
  chownSync(target, expected.uid, expected.gid);
  chmodSync(target, expected.mode & 0o7777); // after chown, which clears the set-id bits
}

function fillFile(source: string, target: string, host: Pick<Host, "log">): void {
  const { mode, uid, gid, size } = statSync(source);
  const read = () => readFileSync(source);
  const found = isThere(target);
  if (found && (size === 0 || !isLostCopy(readBounded(target), read))) return;
  writeFileAtomic(target, read(), { mode: mode & 0o7777, uid, gid });
  if (found) host.log.warn(`"${target}" was damaged: it is "${source}" again`);
}
