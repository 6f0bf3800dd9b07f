import { accessSync, constants, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Host } from "../tools/host/host.ts";
import { inRoot, UNIT } from "../tools/host/paths.ts";
import { propertiesOfUnits } from "../tools/host/systemd.ts";
import { lostAchievements, readOutcome, readRecord } from "../tools/node/applied.ts";
import { messageOf } from "../tools/text/errors.ts";
import { isConfigured, k3sFault, stillStarts } from "./k3s-health.ts";

export type HealthHost = Pick<Host, "root" | "run" | "log" | "clock" | "env">;

/** The properties of a unit. */
export type Unit = ReadonlyMap<string, string>;

/** The state of the units that health depends on. */
export interface Units {
  readonly system: Unit;
  readonly apply: Unit;
  readonly k3s: Unit;
}

/** How thoroughly to look: `brief` starts no program that only explains, and none of the user's before the rest is well. */
export type Thoroughness = "brief" | "whole";

/** A requirement for a healthy machine; `look` returns the problem, if any. */
export interface HealthCheck {
  readonly name: "system" | "configuration" | "k3s" | "health.d";
  readonly look: (
    units: Units,
    host: HealthHost,
    thoroughness: Thoroughness,
  ) => Promise<string | undefined> | string | undefined;
}

/** The user's health checks: executables, each of which must exit with status 0. */
export const HEALTH_DIRECTORY = "/var/lib/rancher/k3os/health.d";

/** Timeout of a user's check, in milliseconds. */
const PATIENCE = 30_000;

/** Milliseconds between two looks at a machine that is not healthy yet: the first, and the longest. */
const WAIT = { first: 2_000, longest: 20_000 } as const;

/** How many deadlines a k3s may take that still starts and has never ended by itself. */
const STARTING = 3;

const SYSTEM: HealthCheck = { name: "system", look: systemRuns };
const K3S: HealthCheck = {
  name: "k3s",
  look: ({ k3s }, host, thoroughness) => k3sFault(k3s, host, thoroughness),
};
const OWN: HealthCheck = { name: "health.d", look: ownChecksPass };

/** The requirements for a healthy machine, in the order in which they are fulfilled. */
export const HEALTH_CHECKS: readonly HealthCheck[] = [
  SYSTEM,
  { name: "configuration", look: configurationApplied },
  K3S,
  OWN,
];

/**
 * The requirements for keeping a new generation. A part of the configuration that is not in effect only counts as a
 * failure if it was in effect with the previous versions. `last`: there is no time left to wait for it.
 */
export function trialChecks({ last }: { readonly last: boolean }): readonly HealthCheck[] {
  return [
    SYSTEM,
    { name: "configuration", look: ({ apply }, host) => configurationKept(last, apply, host) },
    K3S,
    OWN,
  ];
}

/** The current problems of the machine, each with the name of its check; empty: none. */
export async function findFaults(
  host: HealthHost,
  checks: readonly HealthCheck[] = HEALTH_CHECKS,
): Promise<string[]> {
  return (await look(host, checks, "whole")).faults;
}

interface Look {
  readonly faults: string[];
  /** Nothing but k3s is waited for, which has not ended since it was started. */
  readonly starting: boolean;
}

async function look(
  host: HealthHost,
  checks: readonly HealthCheck[],
  thoroughness: Thoroughness,
): Promise<Look> {
  const found: { readonly name: string; readonly fault: string }[] = [];
  let units: Units;
  try {
    units = await readUnits(host);
  } catch (error) {
    return { faults: [`system: ${messageOf(error)}`], starting: false };
  }
  for (const { name, look: lookAt } of checks) {
    if (name === OWN.name && thoroughness === "brief" && found.length > 0) continue;
    const fault = await Promise.resolve()
      .then(() => lookAt(units, host, thoroughness))
      .catch((error: unknown) => messageOf(error));
    if (fault !== undefined) found.push({ name, fault });
  }
  // the target of all services waits for k3s: not reached because of it
  const isDue = found.some(({ name }) => name === K3S.name) && units.k3s.get("ActiveState") !== "active";
  const shown = isDue ? found.filter(({ name }) => name !== SYSTEM.name) : found;
  const faults = shown.map(({ name, fault }) => (fault.startsWith(`${name} `) ? fault : `${name}: ${fault}`));
  const onlyK3s = found.every(({ name }) => name === SYSTEM.name || name === K3S.name);
  return { faults, starting: onlyK3s && stillStarts(units.k3s) };
}

const PROPERTIES = ["ActiveState", "SubState", "Result", "NRestarts"];

async function readUnits(host: HealthHost): Promise<Units> {
  const names = [SYSTEM_TARGET, UNIT.apply, ...(isConfigured(host) ? [UNIT.k3s] : [])];
  const units = await propertiesOfUnits(names, PROPERTIES, host);
  const [system, apply, k3s] = [SYSTEM_TARGET, UNIT.apply, UNIT.k3s].map(
    (name) => units.get(name) ?? new Map(),
  );
  return { system, apply, k3s } as Units;
}

/**
 * Waits until a machine is healthy, and returns an empty list; or, after `deadline` milliseconds, returns the last
 * problems. A k3s that still starts, and has not ended by itself, gets three times as long. The looks are at growing
 * distances: on a slow machine they would take the time that k3s needs.
 */
export async function waitForHealth(
  deadline: number,
  host: HealthHost,
  checks: readonly HealthCheck[] = HEALTH_CHECKS,
): Promise<string[]> {
  const begun = host.clock.monotonic();
  let lastText = "";
  for (let wait: number = WAIT.first; ; wait = Math.min(wait * 1.5, WAIT.longest)) {
    const { faults, starting } = await look(host, checks, "brief");
    if (faults.length === 0) return [];
    const text = faults.join("; ");
    if (text !== lastText) host.log.info(`Not healthy yet: ${text}`);
    lastText = text;
    const left = begun + deadline * (starting ? STARTING : 1) - host.clock.monotonic();
    if (left <= 0) return faults;
    await host.clock.sleep(Math.min(wait, left));
  }
}

const SYSTEM_TARGET = "multi-user.target";

/** Checks that the target of all services of a running system is reached; single services may have failed. */
function systemRuns({ system }: Units): string | undefined {
  const state = system.get("ActiveState");
  return state === "active" ? undefined : `${SYSTEM_TARGET} is ${state ?? "unknown"}`;
}

function configurationApplied({ apply }: Units): string | undefined {
  const [state, result] = [apply.get("ActiveState"), apply.get("Result")];
  if (state === "active") return undefined;
  return `${UNIT.apply} is ${state ?? "unknown"}${result === "success" ? "" : ` (${result})`}`;
}

/** The results of a service that did not exit by itself. */
const CRASHES = ["signal", "core-dump", "oom-kill", "exec-condition", "resources"];

function configurationKept(last: boolean, apply: Unit, host: HealthHost): string | undefined {
  const [state = "unknown", result = ""] = [apply.get("ActiveState"), apply.get("Result")];
  const outcome = readOutcome(host);
  const runtime = outcome?.phases.runtime;
  if (state === "inactive") return `${UNIT.apply} has not been started`;
  if (state === "failed" && (CRASHES.includes(result) || (runtime?.done !== true && result !== "timeout"))) {
    return `${UNIT.apply} has ended before its work was done (${result})`;
  }
  const record = readRecord(host);
  if (record === undefined) return undefined;
  if (outcome !== undefined) {
    const lost = lostAchievements(record, outcome);
    if (lost.length > 0) return `achieved before, and not now: ${lost.join("; ")}`;
  }
  if (runtime?.done === true) return undefined;
  // a command that never ends: is it due to the user, who changed the configuration, or the new version?
  const isSame = record.phases.runtime !== undefined && record.phases.runtime.config === runtime?.config;
  return last && !isSame ? undefined : `${UNIT.apply} is ${state}`;
}

async function ownChecksPass(_: Units, host: HealthHost): Promise<string | undefined> {
  const directory = inRoot(host, HEALTH_DIRECTORY);
  if (!existsSync(directory)) return undefined;
  for (const name of readdirSync(directory).sort()) {
    const path = join(directory, name);
    if (!isExecutable(path)) continue;
    const { code, stdout, stderr } = await host.run([path], { check: false, timeout: PATIENCE });
    if (code !== 0)
      return `${name} ended with status ${code}: ${(stderr || stdout).trim()}`.replace(/: $/, "");
  }
  return undefined;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // a README, or a disabled check
  }
}
