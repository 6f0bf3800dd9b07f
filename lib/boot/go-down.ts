import { reboot } from "../tools/host/sys.ts";
import { CommandError } from "../tools/text/errors.ts";
import type { BootHost } from "./boot-host.ts";

/** Restarts the machine or powers it off, as process 1 may at any time. Throws CommandError if the kernel does not. */
export async function goDown(how: "restart" | "power-off", host: Pick<BootHost, "clock">): Promise<never> {
  reboot(how);
  await host.clock.sleep(60_000); // the kernel is going down
  throw new CommandError("The machine did not go down");
}
