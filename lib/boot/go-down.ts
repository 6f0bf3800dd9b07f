import type { PowerChange } from "../tools/host/power.ts";
import { reboot } from "../tools/host/sys.ts";
import { CommandError } from "../tools/text/errors.ts";
import type { BootHost } from "./boot-host.ts";

/**
 * Restarts the machine or powers it off at once, as process 1 of a boot, which has no service manager to do that in order
 * (lib/tools/host/power.ts). Throws CommandError if the kernel does not.
 */
export async function goDown(how: PowerChange, host: Pick<BootHost, "clock">): Promise<never> {
  reboot(how);
  await host.clock.sleep(60_000); // the kernel is going down
  throw new CommandError("The machine did not go down");
}
