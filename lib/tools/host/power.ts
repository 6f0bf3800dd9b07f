import { messageOf } from "../text/errors.ts";
import { cmd } from "./cmd.ts";
import type { Host } from "./host.ts";

/** How a machine goes down. */
export type PowerChange = "restart" | "power-off";

const PROGRAMS: Readonly<Record<PowerChange, string>> = { restart: "reboot", "power-off": "poweroff" };

/** In all the namespaces of process 1: as if it were called outside of the container that this may run in. */
const OUTSIDE = cmd`nsenter -m -u -i -n -p -t 1`;

/** Milliseconds that a way to restart may take to begin, and then to come into effect. */
const BEGIN = 30_000;
const TAKE_EFFECT = 90_000;

/**
 * Has the machine's service manager end all services, and restart it or power it off; returns when that has begun. With
 * `outside` it is the machine that a container runs on. Throws CommandError if nothing begins. Process 1 of a boot, which has
 * no service manager yet, asks the kernel itself (lib/boot/go-down.ts).
 */
export async function shutDown(
  how: PowerChange,
  host: Pick<Host, "run">,
  { outside = false }: { readonly outside?: boolean } = {},
): Promise<void> {
  const argv = cmd`${outside ? OUTSIDE : []} ${PROGRAMS[how]}`;
  await host.run(argv);
}

/** Restarts a machine that may be too broken to do so in order: each way is harsher than the one before it. */
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
