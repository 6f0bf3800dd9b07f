import type { PowerChange } from "../tools/host/power.ts";
import { reboot } from "../tools/host/sys.ts";
import { CommandError } from "../tools/text/errors.ts";
import type { BootHost } from "./boot-host.ts";

/**
 * Reboots the machine or powers it off at once, as process 1 of a boot without a service manager to do it in order
 * (lib/tools/host/power.ts). Throws CommandError if the kernel refuses.
 */
export async function goDown(how: PowerChange, host: Pick<BootHost, "clock">): Promise<never> {
  reboot(how);
  await host.clock.sleep(60_000); // the kernel is going down
  throw new CommandError("The machine did not go down");
}
