import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { flushDirectory } from "../atomic.ts";
import type { Part } from "../generation/trial.ts";
import type { Host } from "../host.ts";
import { sync } from "../sys.ts";

/** Below the root of the running system. */
const DATABASE = "var/lib/rancher/k3s/server/db";
const SNAPSHOTS = "var/lib/rancher/k3os/datastore";

/** k3s's own database (SQLite) and its journal; members of an etcd cluster get their data from the others. */
const FILES = /^state\.db(-wal|-shm)?$/;

/**
 * Before a new version of k3s starts for the first time: copies the datastore, which nothing uses while the machine
 * boots, so that the copy is whole. A newer k3s changes it in ways that an older one cannot read.
 */
export function snapshotDatastore(data: string, parts: readonly Part[], host: Pick<Host, "log">): void {
  const k3s = changedK3s(parts);
  const database = join(data, DATABASE);
  if (k3s === undefined || databaseFiles(database).length === 0) return;
  const snapshot = join(data, SNAPSHOTS, k3s.from);
  if (existsSync(snapshot)) return; // of an earlier start of the same trial
  const partial = `${snapshot}.partial`;
  rmSync(partial, { recursive: true, force: true });
  copyFiles(database, partial);
  for (const other of readdirSync(join(data, SNAPSHOTS))) {
    if (other !== `${k3s.from}.partial`) rmSync(join(data, SNAPSHOTS, other), { recursive: true });
  }
  renameSync(partial, snapshot);
  flushDirectory(join(data, SNAPSHOTS));
  host.log.info(`Kept the datastore of k3s ${k3s.from}`);
}

/** When the version of k3s is changed back: puts back the datastore as that version left it. The other one is kept. */
export function restoreDatastore(data: string, parts: readonly Part[], host: Pick<Host, "log">): void {
  const k3s = changedK3s(parts);
  if (k3s === undefined) return;
  const snapshot = join(data, SNAPSHOTS, k3s.from);
  const database = join(data, DATABASE);
  if (databaseFiles(snapshot).length === 0) return;
  const replaced = join(data, SNAPSHOTS, `replaced-${k3s.to}`);
  rmSync(replaced, { recursive: true, force: true });
  copyFiles(database, replaced);
  // SQLite takes a journal beside a database for its own: never one of the old with the other of the new
  for (const name of databaseFiles(database)) rmSync(join(database, name));
  copyFiles(snapshot, database);
  rmSync(snapshot, { recursive: true });
  host.log.info(`Put back the datastore of k3s ${k3s.from}; that of ${k3s.to} is kept as ${replaced}`);
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
