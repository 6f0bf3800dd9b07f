import type { Host } from "../tools/host/host.ts";
import { messageOf } from "../tools/text/errors.ts";

/** Restarts a machine that may be too broken to do so in order: each way is harsher than the one before it. */
export async function restartNow(host: Pick<Host, "run" | "log" | "clock">): Promise<void> {
  const ways = [
    ["systemctl", "reboot"],
    ["systemctl", "reboot", "--force"],
    ["reboot", "--force", "--force"],
  ];
  for (const argv of ways) {
    try {
      await host.run(argv, { timeout: 30_000 });
    } catch (error) {
      host.log.warn(messageOf(error));
    }
    await host.clock.sleep(90_000);
  }
}
