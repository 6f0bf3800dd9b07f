import { accessSync, constants, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { cmd } from "../tools/host/cmd.ts";
import type { Host } from "../tools/host/host.ts";
import { inRoot, UNIT } from "../tools/host/paths.ts";
import { unitProperties } from "../tools/host/systemd.ts";
import { fetchText } from "../tools/http/http.ts";
import { lostAchievements, readOutcome, readRecord } from "../tools/node/applied.ts";
import { messageOf } from "../tools/text/errors.ts";

export type HealthHost = Pick<Host, "root" | "run" | "log" | "clock" | "env">;

/** A requirement for a healthy machine; `look` returns the problem, if any. */
export interface HealthCheck {
  readonly name: string;
  readonly look: (host: HealthHost) => Promise<string | undefined>;
}

/** The user's health checks: executables, each of which must exit with status 0. */
export const HEALTH_DIRECTORY = "/var/lib/rancher/k3os/health.d";

/**
 * The health endpoint of the kubelet, on servers and agents: its `--healthz-port`.
 * https://kubernetes.io/docs/reference/command-line-tools-reference/kubelet/
 */
const KUBELET = "http://127.0.0.1:10248/healthz";

/** Timeout of a check, in milliseconds. */
const PATIENCE = 30_000;

const SYSTEM: HealthCheck = { name: "system", look: systemRuns };
const K3S: HealthCheck = { name: "k3s", look: k3sReady };
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
  return [SYSTEM, { name: "configuration", look: (host) => configurationKept(last, host) }, K3S, OWN];
}

/** The current problems of the machine, each with the name of its check; empty: none. */
export async function findFaults(
  host: HealthHost,
  checks: readonly HealthCheck[] = HEALTH_CHECKS,
): Promise<string[]> {
  const faults: string[] = [];
  for (const { name, look } of checks) {
    const fault = await look(host).catch((error: unknown) => messageOf(error));
    if (fault !== undefined) faults.push(`${name}: ${fault}`);
  }
  return faults;
}

/**
 * Waits until a machine is healthy, and returns an empty list; or, after `deadline` milliseconds, returns the last
 * problems.
 */
export async function waitForHealth(
  deadline: number,
  host: HealthHost,
  checks: readonly HealthCheck[] = HEALTH_CHECKS,
): Promise<string[]> {
  const end = host.clock.monotonic() + deadline;
  let lastText = "";
  for (;;) {
    const faults = await findFaults(host, checks);
    if (faults.length === 0) return [];
    const text = faults.join("; ");
    if (text !== lastText) host.log.info(`Not healthy yet: ${text}`);
    lastText = text;
    if (host.clock.monotonic() >= end) return faults;
    await host.clock.sleep(2_000);
  }
}

/** Checks that the target of all services of a running system is reached; single services may have failed. */
async function systemRuns(host: HealthHost): Promise<string | undefined> {
  const state = (await unitProperties("multi-user.target", ["ActiveState"], host)).get("ActiveState");
  return state === "active" ? undefined : `multi-user.target is ${state ?? "unknown"}`;
}

async function configurationApplied(host: HealthHost): Promise<string | undefined> {
  const properties = await unitProperties(UNIT.apply, ["ActiveState", "Result"], host);
  const [state, result] = [properties.get("ActiveState"), properties.get("Result")];
  if (state === "active") return undefined;
  return `${UNIT.apply} is ${state ?? "unknown"}${result === "success" ? "" : ` (${result})`}`;
}

/** The results of a service that did not exit by itself. */
const CRASHES = ["signal", "core-dump", "oom-kill", "exec-condition", "resources"];

async function configurationKept(last: boolean, host: HealthHost): Promise<string | undefined> {
  const properties = await unitProperties(UNIT.apply, ["ActiveState", "Result"], host);
  const [state = "unknown", result = ""] = [properties.get("ActiveState"), properties.get("Result")];
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

/** If k3s is configured: a server's API must be ready; an agent's kubelet must be healthy. */
async function k3sReady(host: HealthHost): Promise<string | undefined> {
  if (!existsSync(inRoot(host, `/etc/systemd/system/${UNIT.k3s}`))) return undefined;
  const properties = await unitProperties(UNIT.k3s, ["ActiveState", "ExecStart"], host);
  const state = properties.get("ActiveState");
  if (state !== "active") return `${UNIT.k3s} is ${state ?? "unknown"}`;
  const isServer = / server[ ;]/.test(properties.get("ExecStart") ?? "");
  if (isServer) {
    const argv = cmd`k3s kubectl get --raw /readyz`;
    const { code, stdout, stderr } = await host.run(argv, { check: false, timeout: PATIENCE });
    return code === 0 ? undefined : `the server is not ready: ${(stderr || stdout).trim()}`;
  }
  await fetchText(KUBELET, { timeout: 5_000, retries: 0 }, host);
  return undefined;
}

async function ownChecksPass(host: HealthHost): Promise<string | undefined> {
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
