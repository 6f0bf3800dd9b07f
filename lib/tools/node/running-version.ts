import { readTextIfThere } from "../fs/read-bounded.ts";
import type { Host } from "../host/host.ts";
import { inRoot, PATH } from "../host/paths.ts";
import { VERSION } from "../host/version.ts";

/**
 * The version of k3OS that the machine was started with. After an upgrade that is not this program's own, which is the
 * new one already; outside of k3OS there is none but that.
 */
export function runningVersion(host: Pick<Host, "root">): string {
  const path = inRoot(host, PATH.osRelease);
  const text = readTextIfThere(path) ?? "";
  if (!/^ID="?k3os"?$/m.test(text)) return VERSION;
  return /^VERSION_ID="?([^"\n]+)"?$/m.exec(text)?.[1] ?? VERSION;
}
