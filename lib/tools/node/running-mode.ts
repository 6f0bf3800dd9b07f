import { readTextIfThere } from "../fs/read-bounded.ts";
import type { Host } from "../host/host.ts";
import { inRoot, PATH } from "../host/paths.ts";

/** The mode that the machine was booted in: `local`, `live`, `install`, `shell`; undefined outside of k3OS. */
export function runningMode(host: Pick<Host, "root">): string | undefined {
  const path = inRoot(host, PATH.mode);
  return readTextIfThere(path)?.trim();
}
