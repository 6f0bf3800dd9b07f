import {
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";
import { flushDirectory } from "../atomic.ts";
import { sha256File } from "../checksums.ts";
import { checkVersion } from "../generation/links.ts";
import type { Component } from "../paths.ts";

/** Where a version is put together, beside its place; what a crash leaves there is removed by whoever begins anew. */
export function partialDirectory(system: string, component: Component, version: string): string {
  return join(system, component, `.${checkVersion(version)}.partial`);
}

/**
 * Gives a version that was put together its name, when all of it is on the disk. A version of that name that holds the
 * same is left alone, since it may be in use; one that holds something else was never whole, or is another build: it is
 * exchanged, and its files live on for those that have them open.
 */
export async function publishVersion(system: string, component: Component, version: string): Promise<void> {
  const partial = partialDirectory(system, component, version);
  const place = join(system, component, version);
  flushTree(partial);
  if (existsSync(place)) {
    if (await sameTree(partial, place)) {
      rmSync(partial, { recursive: true });
      return;
    }
    const old = join(system, component, `.${version}.old`);
    rmSync(old, { recursive: true, force: true });
    renameSync(place, old);
    renameSync(partial, place);
    flushDirectory(join(system, component));
    rmSync(old, { recursive: true });
    return;
  }
  renameSync(partial, place);
  flushDirectory(join(system, component));
}

/** Writes every file and directory of a tree to the disk. */
export function flushTree(path: string): void {
  const found = lstatSync(path);
  if (found.isSymbolicLink()) return;
  if (found.isDirectory()) for (const name of readdirSync(path)) flushTree(join(path, name));
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Whether two trees hold the same files with the same content. */
async function sameTree(a: string, b: string): Promise<boolean> {
  const [one, other] = [lstatSync(a), lstatSync(b, { throwIfNoEntry: false })];
  if (other === undefined) return false;
  if (one.isDirectory()) {
    const names = readdirSync(a).sort();
    if (!other.isDirectory() || readdirSync(b).sort().join("/") !== names.join("/")) return false;
    for (const name of names) if (!(await sameTree(join(a, name), join(b, name)))) return false;
    return true;
  }
  if (!one.isFile() || !other.isFile() || one.size !== other.size) return false;
  return (await sha256File(a)) === (await sha256File(b));
}
