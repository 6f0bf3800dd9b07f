import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { flushDirectory, writeFileAtomic } from "../atomic.ts";
import type { Part } from "../generation/trial.ts";
import type { Host } from "../host.ts";
import { sync } from "../sys.ts";

/** Below the root of the running system. */
const DATABASE = "var/lib/rancher/k3s/server/db";
const SNAPSHOTS = "var/lib/rancher/k3os/datastore";

/** There from when the replaced datastore is kept: what is in the datastore's place may be half of the snapshot then. */
const RESTORING = "restoring";

/** k3s's own database (SQLite) and its journal; members of an etcd cluster get their data from the others. */
const FILES = /^state\.db(-wal|-shm)?$/;

/**
 * Before a new version of k3s starts for the first time: copies the datastore, which nothing uses while the machine
 * boots, so that the copy is whole. A newer k3s changes it in ways that an older one cannot read. Copies of earlier
 * upgrades go, also one of the same version: what was written since is not in it.
 */
export function snapshotDatastore(data: string, parts: readonly Part[], host: Pick<Host, "log">): void {
  const k3s = changedK3s(parts);
  const database = join(data, DATABASE);
  if (k3s === undefined) return;
  rmSync(join(data, SNAPSHOTS), { recursive: true, force: true });
  if (databaseFiles(database).length === 0) return;
  const snapshot = join(data, SNAPSHOTS, k3s.from);
  const partial = `${snapshot}.partial`;
  copyFiles(database, partial);
  renameSync(partial, snapshot);
  flushDirectory(join(data, SNAPSHOTS));
  host.log.info(`Kept the datastore of k3s ${k3s.from}`);
}

/** When the version of k3s is changed back: puts back the datastore as that version left it. The other one is kept. */
export function restoreDatastore(data: string, parts: readonly Part[], host: Pick<Host, "log">): void {
  const k3s = changedK3s(parts);
  if (k3s === undefined) return;
  const database = join(data, DATABASE);
  const snapshot = join(data, SNAPSHOTS, k3s.from);
  const replaced = join(data, SNAPSHOTS, `replaced-${k3s.to}`);
  const restoring = join(data, SNAPSHOTS, RESTORING);
  if (databaseFiles(snapshot).length === 0) return;
  if (!existsSync(restoring)) {
    keepReplaced(database, replaced);
    writeFileAtomic(restoring, "");
  }
  // SQLite takes a journal beside a database for its own: never one of the old with the other of the new
  for (const name of databaseFiles(database)) rmSync(join(database, name));
  copyFiles(snapshot, database);
  forgetSnapshot(data, k3s.from);
  rmSync(restoring);
  host.log.info(`Put back the datastore of k3s ${k3s.from}; that of ${k3s.to} is kept as ${replaced}`);
}

/** Whole or not at all. */
function keepReplaced(database: string, replaced: string): void {
  const partial = `${replaced}.partial`;
  if (databaseFiles(database).length === 0) return;
  for (const path of [partial, replaced]) rmSync(path, { recursive: true, force: true });
  copyFiles(database, partial);
  renameSync(partial, replaced);
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

function databaseFiles(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory).filter((name) => FILES.test(name)) : [];
}

function copyFiles(from: string, to: string): void {
  mkdirSync(to, { recursive: true, mode: 0o700 });
  for (const name of databaseFiles(from))
    cpSync(join(from, name), join(to, name), { preserveTimestamps: true });
  sync();
}
