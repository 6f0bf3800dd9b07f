import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { flushDirectory } from "../../tools/fs/atomic.ts";
import type { Part } from "../../tools/generation/trial.ts";
import type { Host } from "../../tools/host/host.ts";
import { sync } from "../../tools/host/sys.ts";

/** Below the root of the running system. */
const DATABASE = "var/lib/rancher/k3s/server/db";
const SNAPSHOTS = "var/lib/rancher/k3os/datastore";
/** Ends the name of a snapshot whose files go back to where they were. */
const RETURNING = ".returning";

/** k3s's own database (SQLite) and its journal; members of an etcd cluster get their data from the others. */
const FILES = /^state\.db(-wal|-shm)?$/;

/**
 * Before a new version of k3s starts for the first time: copies the datastore, which nothing uses while the machine
 * boots, so that the copy is whole. A newer k3s changes it in ways that an older one cannot read. Copies of earlier
 * upgrades go, also one of the same version: what was written since is not in it. Whatever the way back needs is made here.
 */
export function snapshotDatastore(data: string, parts: readonly Part[], host: Pick<Host, "log">): void {
  const k3s = changedK3s(parts);
  const database = join(data, DATABASE);
  if (k3s === undefined) return;
  rmSync(join(data, SNAPSHOTS), { recursive: true, force: true });
  if (databaseFiles(database).length === 0) return;
  const snapshot = join(data, SNAPSHOTS, k3s.from);
  const partial = `${snapshot}.partial`;
  try {
    copyFiles(database, partial);
    mkdirSync(replacedBy(data, k3s.to), { mode: 0o700 });
  } catch (error) {
    rmSync(join(data, SNAPSHOTS), { recursive: true, force: true }); // a full disk would stay one
    throw error;
  }
  renameSync(partial, snapshot);
  flushDirectory(join(data, SNAPSHOTS));
  host.log.info(`Kept the datastore of k3s ${k3s.from}`);
}

/**
 * When the version of k3s is changed back: puts back the datastore as that version left it. The other one is kept. Files
 * only change their names, so that a full disk is no hindrance, and whatever cuts this off, it is gone on with.
 */
export function restoreDatastore(data: string, parts: readonly Part[], host: Pick<Host, "log">): void {
  const k3s = changedK3s(parts);
  if (k3s === undefined) return;
  const snapshot = join(data, SNAPSHOTS, k3s.from);
  if (databaseFiles(snapshot).length === 0) {
    resumeRestore(data);
    return;
  }
  const replaced = replacedBy(data, k3s.to);
  mkdirSync(replaced, { recursive: true, mode: 0o700 });
  moveFiles(join(data, DATABASE), replaced);
  // SQLite takes a journal beside a database for its own: never one of the old with the other of the new
  renameSync(snapshot, `${snapshot}${RETURNING}`);
  resumeRestore(data);
  host.log.info(`Put back the datastore of k3s ${k3s.from}; that of ${k3s.to} is kept as ${replaced}`);
}

/** Goes on with a restoration that was cut off when the datastore in use was out of the way already. */
export function resumeRestore(data: string): void {
  const snapshots = join(data, SNAPSHOTS);
  const names = existsSync(snapshots) ? readdirSync(snapshots) : [];
  const returning = names.filter((name) => name.endsWith(RETURNING));
  for (const name of returning) {
    mkdirSync(join(data, DATABASE), { recursive: true, mode: 0o700 });
    moveFiles(join(snapshots, name), join(data, DATABASE));
    rmSync(join(snapshots, name), { recursive: true });
  }
  if (returning.length > 0) sync();
}

/** Whether the datastore was kept as it was before these versions were started. */
export function hasSnapshot(data: string, parts: readonly Part[]): boolean {
  const k3s = changedK3s(parts);
  return k3s !== undefined && databaseFiles(join(data, SNAPSHOTS, k3s.from)).length > 0;
}

/** The version runs again, and what it writes from now on is not in the copy that was made when it ran before. */
export function forgetDatastore(data: string, parts: readonly Part[]): void {
  const k3s = changedK3s(parts);
  if (k3s !== undefined && existsSync(join(data, SNAPSHOTS, k3s.from))) forgetSnapshot(data, k3s.from);
}

/** By a rename first: half of a snapshot would be taken for one. */
function forgetSnapshot(data: string, version: string): void {
  const snapshot = join(data, SNAPSHOTS, version);
  const partial = `${snapshot}.partial`;
  rmSync(partial, { recursive: true, force: true });
  renameSync(snapshot, partial);
  flushDirectory(join(data, SNAPSHOTS));
  rmSync(partial, { recursive: true });
}

function changedK3s(parts: readonly Part[]): { readonly from: string; readonly to: string } | undefined {
  const part = parts.find(({ component }) => component === "k3s");
  if (part?.from === undefined || part.from === part.to) return undefined;
  return { from: part.from, to: part.to };
}

/** Where the datastore of a version goes that is given up. */
function replacedBy(data: string, version: string): string {
  return join(data, SNAPSHOTS, `replaced-${version}`);
}

function databaseFiles(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory).filter((name) => FILES.test(name)) : [];
}

function moveFiles(from: string, to: string): void {
  for (const name of databaseFiles(from)) renameSync(join(from, name), join(to, name));
}

function copyFiles(from: string, to: string): void {
  mkdirSync(to, { recursive: true, mode: 0o700 });
  for (const name of databaseFiles(from))
    cpSync(join(from, name), join(to, name), { preserveTimestamps: true });
  sync();
}
