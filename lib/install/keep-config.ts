import type { CloudConfig } from "../config/schema/schema.ts";
import { configYaml } from "../config/write/dump.ts";
import { writeFileAtomic } from "../tools/fs/atomic.ts";
import type { Host } from "../tools/host/host.ts";
import { inRoot, PATH } from "../tools/host/paths.ts";

/**
 * Writes a configuration, without its `install` section, readable by root only: to the system's own file, or to the
 * local one if that is not writable, as on a live system and on an installed one. Returns its path. Throws
 * CommandError.
 */
export function keepConfig(config: CloudConfig, host: Pick<Host, "root">): string {
  const text = configYaml(config);
  try {
    return keep(PATH.systemConfig, text, host);
  } catch (error) {
    if (!isReadOnly(error)) throw error;
    return keep(PATH.localConfig, text, host);
  }
}

function keep(path: string, text: string, host: Pick<Host, "root">): string {
  writeFileAtomic(inRoot(host, path), text, { mode: 0o600, parents: true });
  return path;
}

function isReadOnly(error: unknown): boolean {
  const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
  return cause?.code === "EROFS";
}
