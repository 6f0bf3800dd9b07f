import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { flushDirectory } from "../fs/atomic.ts";
import { COMPONENTS, type Component } from "../host/paths.ts";
import { exchange } from "../host/sys.ts";
import { checkVersion } from "../release/version-name.ts";
import { CommandError } from "../text/errors.ts";
import { sameTree } from "./same-tree.ts";

/** One version of one component, as it lies in `SYSTEM/COMPONENT/VERSION`. */
export interface Part {
  readonly component: Component;
  readonly version: string;
}

/** A version that is being put together beside the others, in `SYSTEM/COMPONENT/.VERSION.partial`. */
export interface Stage extends Part {
  readonly path: string;
  /**
   * Makes what is there the version. All files must be on the disk already; directories are flushed here. A version of
   * that name with the same content is kept, with another it changes places with the new one in one step, so that there
   * is always one: it may be what `current` leads to. Throws CommandError.
   */
  publish(): Promise<void>;
  /** Removes what was not published. */
  discard(): Promise<void>;
}

const PARTIAL = /^\.(.+)\.partial$/;

/** Starts a version anew. Throws CommandError if it cannot be one, or the system cannot be written to. */
export async function openStage(system: string, { component, version }: Part): Promise<Stage> {
  const parent = join(system, component);
  const path = join(parent, `.${checkVersion(version)}.partial`);
  const target = join(parent, version);
  const isNew = !existsSync(parent);
  try {
    await rm(path, { recursive: true, force: true });
    mkdirSync(parent, { recursive: true, mode: 0o755 });
    mkdirSync(path);
    chmodSync(path, 0o755); // whatever the umask is
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

/** Directories from the bottom up; the files are on the disk. */
function flushTree(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) flushTree(join(directory, entry.name));
  }
  flushDirectory(directory);
}

/** Removes what upgrades that were killed have left behind. Call with the lock held. */
export async function removeLeftovers(system: string): Promise<void> {
  for (const parent of COMPONENTS.map((component) => join(system, component))) {
    if (!existsSync(parent)) continue;
    const left = readdirSync(parent).filter((name) => PARTIAL.test(name));
    for (const name of left) await rm(join(parent, name), { recursive: true });
  }
}
