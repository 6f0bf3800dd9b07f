import { readTextIfThere } from "../fs/read-bounded.ts";
import type { Host } from "../host/host.ts";
import { inRoot, PATH } from "../host/paths.ts";
import { VERSION } from "../host/version.ts";

/**
 * The version of k3OS that the machine was booted with. After an upgrade this program may be newer; outside of k3OS it
 * is the version of this program.
 */
export function runningVersion(host: Pick<Host, "root">): string {
  const path = inRoot(host, PATH.osRelease);
  const text = readTextIfThere(path) ?? "";
  if (!/^ID="?k3os"?$/m.test(text)) return VERSION;
  return /^VERSION_ID="?([^"\n]+)"?$/m.exec(text)?.[1] ?? VERSION;
}
