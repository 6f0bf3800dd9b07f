import { lstatSync, readlinkSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { flushDirectory } from "../atomic.ts";
import { CommandError } from "../errors.ts";
import type { Host } from "../host.ts";
import type { Part } from "./stage.ts";

/**
 * Makes versions that are in place the current ones: `previous` leads to the old version, then `current` to the new one,
 * each by a rename, so that there always is a current one. `system` is the path of `/k3os/system`. Throws CommandError.
 */
export async function switchGeneration(
  system: string,
  parts: readonly Part[],
  _options: { readonly force: boolean },
  host: Pick<Host, "log">,
): Promise<void> {
  for (const { component, version } of parts) {
    const directory = join(system, component);
    const old = linkTarget(join(directory, "current"));
    try {
      if (old !== undefined && old !== version) replaceLink(directory, "previous", old);
      if (old !== version) replaceLink(directory, "current", version);
    } catch (cause) {
      throw new CommandError(`Cannot make "${version}" the current ${component}`, { cause });
    }
    host.log.debug(`${component}: ${old ?? "none"} → ${version}`);
  }
}

/** The version that a link of a component leads to; undefined if there is no such link. */
export function linkTarget(path: string): string | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found?.isSymbolicLink() ? readlinkSync(path) : undefined;
}

function replaceLink(directory: string, name: string, target: string): void {
  const temporary = join(directory, `.${name}.partial`); // removed with what else is left over
  rmSync(temporary, { force: true });
  symlinkSync(target, temporary);
  renameSync(temporary, join(directory, name));
  flushDirectory(directory);
}
