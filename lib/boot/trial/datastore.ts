import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { flushDirectory } from "../../tools/fs/atomic.ts";
import type { Part } from "../../tools/generation/trial.ts";
import type { Host } from "../../tools/host/host.ts";
import { PATH } from "../../tools/host/paths.ts";
import { sync } from "../../tools/host/sys.ts";

const DATABASE = PATH.datastore;
const SNAPSHOTS = PATH.datastoreCopies;
/** Suffix of a snapshot whose files are being restored. */
const RETURNING = ".returning";

/** k3s's own database (SQLite) and its journal; members of an etcd cluster get their data from the others. */
const FILES = /^state\.db(-wal|-shm)?$/;

/**
 * Copies the datastore before a new version of k3s starts for the first time, since a newer k3s makes changes that an
 * older one cannot read. The copy is consistent: the datastore is not in use during the boot. Copies of earlier
 * upgrades are deleted, even one of the same version: they lack later data. All that the fallback needs is created
 * here.
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
    rmSync(join(data, SNAPSHOTS), { recursive: true, force: true }); // otherwise a full disk would stay full
    throw error;
  }
  renameSync(partial, snapshot);
  flushDirectory(join(data, SNAPSHOTS));
  host.log.info(`Kept the datastore of k3s ${k3s.from}`);
}

/**
 * Restores the datastore of the previous version of k3s when k3s is changed back to it. The replaced datastore is kept.
 * Files are only renamed, so a full disk does no harm, and an interrupted restoration is continued.
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
  // SQLite uses any journal beside a database: never combine the old one with the new database, or vice versa
  renameSync(snapshot, `${snapshot}${RETURNING}`);
  resumeRestore(data);
  host.log.info(`Put back the datastore of k3s ${k3s.from}; that of ${k3s.to} is kept as ${replaced}`);
}

/** Continues a restoration that was interrupted after the datastore in use was moved away. */
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

/** Whether there is a copy of the datastore from before these versions were started. */
export function hasSnapshot(data: string, parts: readonly Part[]): boolean {
  const k3s = changedK3s(parts);
  return k3s !== undefined && databaseFiles(join(data, SNAPSHOTS, k3s.from)).length > 0;
}

/** Deletes the copy of a version that runs again: new data of this version is not in the copy. */
export function forgetDatastore(data: string, parts: readonly Part[]): void {
  const k3s = changedK3s(parts);
  if (k3s !== undefined && existsSync(join(data, SNAPSHOTS, k3s.from))) forgetSnapshot(data, k3s.from);
}

/** Renames first: a partial snapshot could be mistaken for a complete one. */
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

/** Directory for the datastore of a version that is given up. */
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
