import { appendFileSync, readFileSync } from "node:fs";
import type { Host } from "../tools/host/host.ts";
import { createLog, type Log } from "../tools/host/log.ts";
import { inRoot } from "../tools/host/paths.ts";
import { runningMode } from "../tools/node/running-mode.ts";
import { formatError } from "../tools/text/errors.ts";
import type { InstallSettings } from "./install-settings.ts";

const KERNEL_LOG = "/dev/kmsg";
/**
 * The first number is the console log level: the kernel only shows messages of lower levels. `quiet` and a
 * configuration change it.
 */
const PRINTK = "/proc/sys/kernel/printk";
const NOTICE = 5;

/**
 * Runs `action` with a visible log. A machine that installs itself at boot has no user at its own terminal, but perhaps
 * one at another console: then steps and failures go to the kernel's log, which appears on every console.
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
      const level = shownLevel(readFileSync(inRoot(host, PRINTK), "utf8"));
      for (const line of text.trimEnd().split("\n")) appendFileSync(path, `<${level}>k3os: ${line}\n`);
    } catch {
      host.log.info(text.trimEnd()); // a container has no /dev/kmsg
    }
  });
}

/**
 * The level of a notice, or a more urgent one that the consoles still show: the installer's messages must be visible.
 */
function shownLevel(printk: string): number {
  const shownBelow = Number(printk.trim().split(/\s+/)[0]);
  return Number.isInteger(shownBelow) ? Math.max(0, Math.min(NOTICE, shownBelow - 1)) : NOTICE;
}
