import { messageOf } from "../text/errors.ts";
import { cmd } from "./cmd.ts";
import type { Host } from "./host.ts";

/** The kind of shutdown. */
export type PowerChange = "restart" | "power-off";

const PROGRAMS: Readonly<Record<PowerChange, string>> = { restart: "reboot", "power-off": "poweroff" };

/** In all namespaces of process 1: outside of the container that this may run in. */
const OUTSIDE = cmd`nsenter -m -u -i -n -p -t 1`;

/** The time limits for one method of reboot, in milliseconds: to begin, and to take effect. */
const BEGIN = 30_000;
const TAKE_EFFECT = 90_000;

/**
 * Makes the service manager stop all services, and reboot the machine or power it off; returns when that has begun.
 * With `outside` it is the host of a container. Throws CommandError if nothing begins. Process 1 of a boot, which has
 * no service manager yet, calls the kernel itself (lib/boot/go-down.ts).
 */
export async function shutDown(
  how: PowerChange,
  host: Pick<Host, "run">,
  { outside = false }: { readonly outside?: boolean } = {},
): Promise<void> {
  await host.run(cmd`${outside ? OUTSIDE : []} ${PROGRAMS[how]}`);
}

/** Reboots a machine that may be too broken for an orderly reboot: each method is harsher than the previous one. */
export async function restartByForce(host: Pick<Host, "run" | "log" | "clock">): Promise<void> {
  const ways = [cmd`systemctl reboot`, cmd`systemctl reboot --force`, cmd`reboot --force --force`];
  for (const argv of ways) {
    try {
      await host.run(argv, { timeout: BEGIN });
    } catch (error) {
      host.log.warn(messageOf(error));
    }
    await host.clock.sleep(TAKE_EFFECT);
  }
}
