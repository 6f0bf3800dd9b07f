import { lstatSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { flushDirectory } from "../atomic.ts";
import { COMPONENTS, type Component } from "../paths.ts";
import { syncFileSystem } from "../sys.ts";
import { checkVersion, isLeftover, isVersion } from "../version-name.ts";

/** The links beside a component's versions. */
export type LinkName = "current" | "previous";

/** The version that a link of a component leads to; undefined without link, or if it leads to something else. */
export function linkedVersion(system: string, component: Component, name: LinkName): string | undefined {
  const path = join(system, component, name);
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) return undefined;
  const target = readlinkSync(path).replace(/^\.\//, "").replace(/\/$/, "");
  return isVersion(target) && hasVersion(system, component, target) ? target : undefined;
}

/** A link to be set, or to be removed where the version is undefined. */
export interface LinkChange {
  readonly component: Component;
  readonly name: LinkName;
  readonly version: string | undefined;
}

/**
 * Sets links, each in one step and in their order. Whenever the power goes, each is the old or the new one, also for GRUB,
 * which does not replay the file system's journal: what the new ones consist of is on the disk before the first name
 * changes (see {@link switchMenu}).
 */
export function setLinks(system: string, changes: readonly LinkChange[]): void {
  for (const { component, name, version } of changes) {
    const temporary = temporaryLink(system, component, name);
    rmSync(temporary, { force: true });
    if (version !== undefined) symlinkSync(checkVersion(version), temporary);
  }
  syncFileSystem(system);
  for (const { component, name, version } of changes) {
    const path = join(system, component, name);
    if (version === undefined) rmSync(path, { force: true });
    else renameSync(temporaryLink(system, component, name), path);
    flushDirectory(join(system, component));
  }
  syncFileSystem(system);
}

function temporaryLink(system: string, component: Component, name: LinkName): string {
  return join(system, component, `.${name}.partial`);
}

/** The versions of a component that are there, oldest names first. */
export function versionsOf(system: string, component: Component): string[] {
  const directory = join(system, component);
  if (!lstatSync(directory, { throwIfNoEntry: false })?.isDirectory()) return [];
  const names = readdirSync(directory).filter(isVersion);
  return names
    .filter((name) => hasVersion(system, component, name))
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
}

export function hasVersion(system: string, component: Component, version: string): boolean {
  const path = join(system, component, version);
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** The version of each component that a link leads to. */
export function linkedVersions(system: string, name: LinkName): Partial<Record<Component, string>> {
  const found = COMPONENTS.map((component) => [component, linkedVersion(system, component, name)]);
  return Object.fromEntries(found.filter(([, version]) => version !== undefined));
}

/**
 * Removes the versions that no link leads to, but the newest `keep` of each component. Left-overs of what was never
 * finished go too. Returns what was removed, as `COMPONENT/NAME`.
 */
export function pruneVersions(system: string, keep: number): string[] {
  const removed: string[] = [];
  for (const component of COMPONENTS) {
    const linked = (["current", "previous"] as const).map((name) => linkedVersion(system, component, name));
    const unused = versionsOf(system, component).filter((version) => !linked.includes(version));
    const names = [...unused.slice(0, Math.max(0, unused.length - keep)), ...leftovers(system, component)];
    for (const name of names) {
      rmSync(join(system, component, name), { recursive: true, force: true });
      removed.push(`${component}/${name}`);
    }
  }
  return removed;
}

/** What an interrupted upgrade has left beside a component's versions. */
function leftovers(system: string, component: Component): string[] {
  const directory = join(system, component);
  if (!lstatSync(directory, { throwIfNoEntry: false })?.isDirectory()) return [];
  return readdirSync(directory).filter(isLeftover);
}
