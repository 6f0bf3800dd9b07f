import { statSync } from "node:fs";
import { join } from "node:path";
import { cmd } from "../../tools/host/cmd.ts";
import type { Host } from "../../tools/host/host.ts";
import { FILE, inRoot, PATH } from "../../tools/host/paths.ts";

/**
 * A machine without a clock battery starts in 1970, before any certificate became valid. The clock cannot be earlier
 * than the build time of this program, so it is set to that time. The service manager does the same, but only later.
 */
export async function correctClock(host: Pick<Host, "root" | "run" | "log" | "clock">): Promise<void> {
  const built = statSync(inRoot(host, join(PATH.system, "k3os/current", FILE.executable))).mtimeMs;
  const now = host.clock.now();
  if (now >= built) return;
  const [wrong, right] = [now, built].map((time) => new Date(time).toISOString().slice(0, 10));
  host.log.warn(`The clock says ${wrong}, before this release was made: setting it to ${right}`);
  await host.run(cmd`/bin/busybox date -u -s @${Math.ceil(built / 1000)}`);
}
