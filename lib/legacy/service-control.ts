import { existsSync, rmSync } from "node:fs";
import { linkTarget } from "../tools/fs/links.ts";
import { cmd } from "../tools/host/cmd.ts";
import type { Host } from "../tools/host/host.ts";
import { inRoot } from "../tools/host/paths.ts";
import { unitProperties } from "../tools/host/systemd.ts";
import { CommandError, UsageError } from "../tools/text/errors.ts";
import { findService, knownServices } from "./openrc-services.ts";

export type ServiceHost = Pick<Host, "root" | "run" | "log" | "print">;

/** The target whose services start at every boot; the only runlevel. */
const TARGET = "multi-user.target";

/** The names of OpenRC's actions in systemctl(1). */
const ACTIONS: Readonly<Record<string, string>> = {
  start: "start",
  stop: "stop",
  restart: "restart",
  condrestart: "try-restart",
  reload: "reload-or-restart",
  "force-reload": "reload-or-restart",
  zap: "reset-failed",
};

/** OpenRC's exit status for a service that does not run. */
const STOPPED = 3;

/**
 * Applies an action to the unit that replaces a service of the original. In `boot_cmd`, before the service manager
 * runs, a service is marked to be started later. Returns the exit status. Throws CommandError for an unknown service.
 */
export async function controlService(name: string, action: string, host: ServiceHost): Promise<number> {
  const service = findService(name, host);
  if (service.kind === "unknown") throw unknownService(name);
  const verb = ACTIONS[action];
  if (verb === undefined && action !== "status") {
    throw new UsageError(`Unknown action "${action}": expected ${Object.keys(ACTIONS).join(", ")} or status`);
  }
  if (service.kind === "built-in") {
    host.log.info(`${name} is part of the system here: there is nothing to ${action}`);
    return 0;
  }
  const { unit } = service;
  if (verb === undefined) return await printStatus(unit, host);
  if (isStarting(verb)) await unmask(unit, host);
  if (hasServiceManager(host)) await host.run(cmd`systemctl ${verb} ${unit}`);
  else if (isStarting(verb)) await addToBoot(unit, host);
  return 0;
}

function isStarting(verb: string): boolean {
  return verb === "start" || verb === "restart";
}

/** The test of sd_booted(3). */
function hasServiceManager(host: Pick<Host, "root">): boolean {
  return existsSync(inRoot(host, "/run/systemd/system"));
}

async function printStatus(unit: string, host: ServiceHost): Promise<number> {
  const state = await stateOf(unit, host);
  host.print(` * status: ${state}\n`);
  return state === "started" || state === "starting" ? 0 : STOPPED;
}

/** In OpenRC's words. */
async function stateOf(unit: string, host: Pick<Host, "run" | "root">): Promise<string> {
  if (!hasServiceManager(host)) return "stopped";
  const state = (await unitProperties(unit, ["ActiveState"], host)).get("ActiveState") ?? "";
  const words: Record<string, string> = { active: "started", reloading: "started", activating: "starting" };
  return words[state] ?? (state === "failed" ? "crashed" : "stopped");
}

function unknownService(name: string): CommandError {
  return new CommandError(`Unknown service "${name}"`, {
    hint: 'list services with "systemctl list-unit-files" or "rc-service --list"',
  });
}

/**
 * Makes a service start at every boot. /etc is recreated at each boot, so this must be repeated at each, as in the
 * original.
 */
export async function addToRunlevel(name: string, host: ServiceHost): Promise<void> {
  const service = findService(name, host);
  if (service.kind === "unknown") throw unknownService(name);
  if (service.kind === "built-in") return host.log.info(`${name} is part of the system here`);
  await unmask(service.unit, host);
  await addToBoot(service.unit, host);
}

async function addToBoot(unit: string, host: ServiceHost): Promise<void> {
  await host.run(cmd`systemctl --quiet add-wants ${TARGET} ${unit}`);
}

/** Prevents a service from starting in this boot; a running one continues. */
export async function removeFromRunlevel(name: string, host: ServiceHost): Promise<void> {
  const service = findService(name, host);
  if (service.kind === "unknown") throw unknownService(name);
  if (service.kind === "built-in") return host.log.info(`${name} is part of the system here: it stays`);
  const added = inRoot(host, `/etc/systemd/system/${TARGET}.wants/${service.unit}`);
  if (linkTarget(added) !== undefined) return rmSync(added);
  await host.run(cmd`systemctl --quiet mask ${service.unit}`);
}

async function unmask(unit: string, host: ServiceHost): Promise<void> {
  if (linkTarget(inRoot(host, `/etc/systemd/system/${unit}`)) !== "/dev/null") return;
  await host.run(cmd`systemctl --quiet unmask ${unit}`);
}

/** The services of the original with their states, as `rc-status` prints them. */
export async function describeServices(host: ServiceHost): Promise<string> {
  const rows: string[] = [];
  for (const [name, unit] of knownServices(host)) {
    rows.push(` ${name.padEnd(40)}[  ${await stateOf(unit, host)}  ]\n`);
  }
  return `Runlevel: default\n${rows.join("")}`;
}
