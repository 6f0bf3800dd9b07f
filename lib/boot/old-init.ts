import { execve } from "../tools/host/native.ts";
import { oldInit } from "../tools/node/foreign-root.ts";
import { formatError } from "../tools/text/errors.ts";
import type { BootHost } from "./boot-host.ts";
import { mayRestart } from "./rescue.ts";

/**
 * For a foreign root that cannot be left because its kernel lacks a feature or our image is missing: starts the
 * original init program with the arguments and environment from the kernel, so that a machine without a keyboard stays
 * reachable. Returns if there is none, or if versions are on trial that a reboot would roll back.
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
