import { execve } from "../tools/host/native.ts";
import { oldInit } from "../tools/node/foreign-root.ts";
import { formatError } from "../tools/text/errors.ts";
import type { BootHost } from "./boot-host.ts";
import { mayRestart } from "./rescue.ts";

/**
 * Where a foreign root cannot be left, as its kernel lacks what we need or our image is missing: starts the init program
 * that it had before us, with what the kernel has passed on to us. A machine without a keyboard can be reached again
 * that way. Returns if there is none, or if versions are on trial that give way to those before them by a restart.
 */
export function startOldInit(
  error: unknown,
  { args, env }: { readonly args: readonly string[]; readonly env: Readonly<Record<string, string>> },
  host: Pick<BootHost, "log">,
): void {
  if (mayRestart(error)) return;
  const program = oldInit("/");
  if (program === undefined) return;
  host.log.error(formatError(error).replace(/^Error: /, ""));
  host.log.error(`k3OS could not be started: starting the system that was here before (${program})`);
  host.log.close();
  execve(program, ["/sbin/init", ...args], env);
}
