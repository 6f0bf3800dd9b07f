import { lstatSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { flushDirectory } from "../fs/atomic.ts";
import { isThere, linkTarget } from "../fs/links.ts";
import { COMPONENTS, type Component } from "../host/paths.ts";
import { exchange, SystemCallError, syncFileSystem } from "../host/sys.ts";
import { checkVersion, isLeftover, isVersion } from "../release/version-name.ts";
import { versionOrder } from "../release/version-order.ts";

/** The links beside a component's versions. */
export type LinkName = "current" | "previous";

/** The version that a link of a component leads to; undefined if the link is missing or leads to something else. */
export function linkedVersion(system: string, component: Component, name: LinkName): string | undefined {
  const path = join(system, component, name);
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) return undefined;
  const target = readlinkSync(path).replace(/^\.\//, "").replace(/\/$/, "");
  return isVersion(target) && hasVersion(system, component, target) ? target : undefined;
}

/** A link to set, or to remove if the version is undefined. */
export interface LinkChange {
  readonly component: Component;
  readonly name: LinkName;
  readonly version: string | undefined;
}

/**
 * Sets links, each in one step and in the given order. After a power cut at any time, each is the old or the new one,
 * also for GRUB, which does not replay the file system's journal: all content of the new links is on the disk before
 * the first name changes (see {@link switchMenu}).
 *
 * A `current` that becomes the version of `previous` is exchanged with it, which also works on a full file system.
 * Without space for a new `previous`, the old one is removed first. Throws the errors of the file system; without space
 * for a new `current` it throws before the first link has changed.
 */
export function setLinks(system: string, changes: readonly LinkChange[]): void {
  const exchanged = changes.filter((change) => canExchange(system, change));
  const others = changes.filter((change) => !exchanged.includes(change));
  try {
    for (const change of others) prepare(system, change);
    syncFileSystem(system);
    for (const change of exchanged) exchangeLinks(system, change); // usually all in one step of the journal
    for (const { component } of exchanged) flushDirectory(join(system, component));
    // GRUB may find a link by its old name: do not replace the link before that name is written
    if (exchanged.length > 0) syncFileSystem(system);
    for (const change of others) {
      if (isSet(system, change)) continue;
      setLink(system, change);
      flushDirectory(join(system, change.component));
    }
  } finally {
    for (const change of changes) rmSync(temporaryOf(system, change), { force: true });
  }
  syncFileSystem(system);
}

/** Creates the new link beside the old one. The link `previous` is optional. */
function prepare(system: string, change: LinkChange): void {
  const temporary = temporaryOf(system, change);
  rmSync(temporary, { force: true });
  if (change.version === undefined || isSet(system, change)) return;
  try {
    symlinkSync(checkVersion(change.version), temporary);
  } catch (error) {
    if (change.name === "current" || !hasNoRoom(error)) throw error;
  }
}

function setLink(system: string, change: LinkChange): void {
  const [path, temporary] = [linkAt(system, change.component, change.name), temporaryOf(system, change)];
  if (change.version !== undefined && isThere(temporary)) {
    renameSync(temporary, path);
    return;
  }
  rmSync(path, { force: true }); // makes space for another link
  if (change.version !== undefined) symlinkSync(change.version, path);
}

function exchangeLinks(system: string, change: LinkChange): void {
  const [current, previous] = [
    linkAt(system, change.component, "current"),
    linkAt(system, change.component, "previous"),
  ];
  try {
    exchange(current, previous);
  } catch (error) {
    if (!(error instanceof SystemCallError) || error.errno !== constants.errno.EINVAL) throw error;
    prepare(system, change); // the file system does not support the exchange
    setLink(system, change);
  }
}

function isSet(system: string, { component, name, version }: LinkChange): boolean {
  const path = linkAt(system, component, name);
  return version === undefined ? !isThere(path) : linkTarget(path) === version;
}

/** The links only exchange their names, so that nothing is created. */
function canExchange(system: string, { component, name, version }: LinkChange): boolean {
  if (name !== "current" || version === undefined) return false;
  const [current, previous] = (["current", "previous"] as const).map((link) => {
    return linkTarget(linkAt(system, component, link));
  });
  return current !== undefined && current !== version && previous === version;
}

function hasNoRoom(error: unknown): boolean {
  return ["ENOSPC", "EDQUOT"].includes((error as NodeJS.ErrnoException).code ?? "");
}

function linkAt(system: string, component: Component, name: LinkName): string {
  return join(system, component, name);
}

function temporaryOf(system: string, { component, name }: LinkChange): string {
  return join(system, component, `.${name}.partial`);
}

/** The existing versions of a component, the oldest first. */
export function versionsOf(system: string, component: Component): string[] {
  const directory = join(system, component);
  if (!lstatSync(directory, { throwIfNoEntry: false })?.isDirectory()) return [];
  const names = readdirSync(directory).filter(isVersion);
  return names.filter((name) => hasVersion(system, component, name)).sort(versionOrder);
}

export function hasVersion(system: string, component: Component, version: string): boolean {
  const path = join(system, component, version);
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** The versions that the links of a system lead to; undefined without such a version. */
export type Links = Readonly<Record<Component, Readonly<Record<LinkName, string | undefined>>>>;

/** Reads each link of all components once. */
export function readLinks(system: string): Links {
  const linksOf = (component: Component) => ({
    current: linkedVersion(system, component, "current"),
    previous: linkedVersion(system, component, "previous"),
  });
  return { k3os: linksOf("k3os"), k3s: linksOf("k3s"), kernel: linksOf("kernel") };
}

/** The versions that the links of one name lead to, by component. */
export function linkedVersions(links: Links, name: LinkName): Partial<Record<Component, string>> {
  const found = COMPONENTS.map((component) => [component, links[component][name]]);
  return Object.fromEntries(found.filter(([, version]) => version !== undefined));
}

/** The leftovers of interrupted upgrades beside a component's versions. */
export function leftoversOf(system: string, component: Component): string[] {
  const directory = join(system, component);
  if (!lstatSync(directory, { throwIfNoEntry: false })?.isDirectory()) return [];
  return readdirSync(directory).filter(isLeftover);
}
