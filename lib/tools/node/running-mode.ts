import { existsSync, readFileSync } from "node:fs";
import type { Host } from "../host/host.ts";
import { inRoot, PATH } from "../host/paths.ts";

/** The mode that the machine was booted in: `local`, `live`, `install`, `shell`; undefined outside of k3OS. */
export function runningMode(host: Pick<Host, "root">): string | undefined {
  const path = inRoot(host, PATH.mode);
  return existsSync(path) ? readFileSync(path, "utf8").trim() : undefined;
}
