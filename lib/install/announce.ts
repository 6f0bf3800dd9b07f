import { appendFileSync } from "node:fs";
import { formatError } from "../errors.ts";
import type { Host } from "../host.ts";
import { createLog, type Log } from "../log.ts";
import { inRoot } from "../paths.ts";
import { runningMode } from "../running-mode.ts";
import type { InstallSettings } from "./settings.ts";

const KERNEL_LOG = "/dev/kmsg";
const NOTICE = 5;

/**
 * Runs `action` with a log for whoever watches. A machine that installs itself at boot has nobody at its terminal, but
 * perhaps somebody at another: then steps and failures go through the kernel's log, which shows on every console.
 */
export async function announced<T>(
  { silent }: Pick<InstallSettings, "silent">,
  host: Host,
  action: (host: Host) => Promise<T>,
): Promise<T> {
  if (!silent || runningMode(host) !== "install") return await action(host);
  const log = consoleLog(host);
  try {
    return await action({ ...host, log });
  } catch (error) {
    log.info(formatError(error));
    throw error;
  }
}

function consoleLog(host: Pick<Host, "root" | "log">): Log {
  const path = inRoot(host, KERNEL_LOG);
  return createLog((text) => {
    try {
      for (const line of text.trimEnd().split("\n")) appendFileSync(path, `<${NOTICE}>k3os: ${line}\n`);
    } catch {
      host.log.info(text.trimEnd()); // no /dev/kmsg in a container
    }
  });
}
