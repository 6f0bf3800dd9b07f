import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CommandError } from "../../tools/text/errors.ts";

/** A package in package-lock.json; the project's own directories lack some fields. */
export interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** By path: `node_modules/NAME`, and `node_modules/OTHER/node_modules/NAME` if OTHER needs another version. */
export type LockedPackages = Readonly<Record<string, LockedPackage | undefined>>;

/** The packages of a project's package-lock.json (lockfileVersion 3). */
export function readLockedPackages(project: string): LockedPackages {
  const lock = JSON.parse(readFileSync(join(project, "package-lock.json"), "utf8")) as {
    packages: LockedPackages;
  };
  return lock.packages;
}

/**
 * npm packages and all their dependencies, as sorted lines `PATH VERSION INTEGRITY`. Throws CommandError for a package
 * that is not locked, unless it is optional.
 */
export function lockedClosure(names: readonly string[], locked: LockedPackages): string[] {
  const found = new Map<string, string>();
  const add = (name: string, from: string, optional: boolean): void => {
    const path = locate(name, from, locked);
    const entry = path === undefined ? undefined : locked[path];
    if (path === undefined || entry === undefined) {
      if (optional) return;
      throw new CommandError(`Package "${name}" is not in package-lock.json`, { hint: "run: npm install" });
    }
    if (found.has(path)) return;
    found.set(path, `${path} ${entry.version ?? ""} ${entry.integrity ?? ""}`);
    for (const needed of Object.keys(entry.dependencies ?? {})) add(needed, path, false);
    for (const needed of Object.keys(entry.optionalDependencies ?? {})) add(needed, path, true);
  };
  for (const name of names) add(name, "", false);
  return [...found.values()].sort();
}

/** The path by which Node.js resolves an import of the package at `from`: in its own directory, or in a parent. */
function locate(name: string, from: string, locked: LockedPackages): string | undefined {
  for (let base = from; ; base = base.slice(0, Math.max(0, base.lastIndexOf("/node_modules/")))) {
    const path = base === "" ? `node_modules/${name}` : `${base}/node_modules/${name}`;
    if (locked[path] !== undefined) return path;
    if (base === "") return undefined;
  }
}
