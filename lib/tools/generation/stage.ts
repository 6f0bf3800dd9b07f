import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { flushDirectory } from "../fs/atomic.ts";
import { COMPONENTS, type Component } from "../host/paths.ts";
import { exchange } from "../host/sys.ts";
import { checkVersion } from "../release/version-name.ts";
import { CommandError } from "../text/errors.ts";
import { sameTree } from "./same-tree.ts";

/** A version of a component, located in `SYSTEM/COMPONENT/VERSION`. */
export interface Part {
  readonly component: Component;
  readonly version: string;
}

/** A version in preparation beside the others, in `SYSTEM/COMPONENT/.VERSION.partial`. */
export interface Stage extends Part {
  readonly path: string;
  /**
   * Publishes the staged files as the version. All files must be on the disk already; directories are flushed here. An
   * existing version of that name with the same content is kept; with other content it is exchanged with the new one in
   * one step, so that the version always exists: `current` may lead to it. Throws CommandError.
   */
  publish(): Promise<void>;
  /** Removes the stage unless it was published. */
  discard(): Promise<void>;
}

const PARTIAL = /^\.(.+)\.partial$/;

/** Starts an empty stage of a version. Throws CommandError if the version is invalid, or the system is not writable. */
export async function openStage(system: string, { component, version }: Part): Promise<Stage> {
  const parent = join(system, component);
  const path = join(parent, `.${checkVersion(version)}.partial`);
  const target = join(parent, version);
  const isNew = !existsSync(parent);
  try {
    await rm(path, { recursive: true, force: true });
    mkdirSync(parent, { recursive: true, mode: 0o755 });
    mkdirSync(path);
    chmodSync(path, 0o755); // independent of the umask
  } catch (cause) {
    throw new CommandError(`Cannot write to "${parent}"`, { cause });
  }
  return {
    component,
    version,
    path,
    publish: async () => {
      try {
        if (lstatSync(target, { throwIfNoEntry: false }) !== undefined) await replace(path, target);
        else {
          flushTree(path);
          renameSync(path, target);
          flushDirectory(parent);
          if (isNew) flushDirectory(dirname(parent));
        }
      } catch (cause) {
        if (cause instanceof CommandError) throw cause;
        throw new CommandError(`Cannot put "${target}" in place`, { cause });
      }
    },
    discard: async () => {
      await rm(path, { recursive: true, force: true });
      if (isNew && existsSync(parent) && readdirSync(parent).length === 0) rmdirSync(parent);
    },
  };
}

async function replace(path: string, target: string): Promise<void> {
  if (!(await sameTree(path, target))) {
    flushTree(path);
    exchange(path, target);
    flushDirectory(dirname(target));
  }
  await rm(path, { recursive: true });
}

/** Flushes directories, the deepest first; the files are on the disk already. */
function flushTree(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) flushTree(join(directory, entry.name));
  }
  flushDirectory(directory);
}

/** Removes the leftovers of interrupted upgrades. Call with the lock held. */
export async function removeLeftovers(system: string): Promise<void> {
  for (const parent of COMPONENTS.map((component) => join(system, component))) {
    if (!existsSync(parent)) continue;
    const left = readdirSync(parent).filter((name) => PARTIAL.test(name));
    for (const name of left) await rm(join(parent, name), { recursive: true });
  }
}
