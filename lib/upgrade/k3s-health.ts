import { constants } from "node:os";
import { cmd } from "../tools/host/cmd.ts";
import type { Host } from "../tools/host/host.ts";
import { UNIT } from "../tools/host/paths.ts";
import { askKubelet } from "../tools/kubernetes/kubelet-health.ts";
import { openKubernetes } from "../tools/kubernetes/kubernetes-api.ts";
import { readK3sUnit } from "../tools/node/k3s-unit.ts";
import { messageOf } from "../tools/text/errors.ts";

type K3sHost = Pick<Host, "root" | "run" | "log" | "clock" | "env">;
type Unit = ReadonlyMap<string, string>;

/** Timeout for an answer of k3s, in milliseconds. */
const PATIENCE = 10_000;

/** Whether k3s is configured on this node. */
export function isConfigured(host: Pick<Host, "root">): boolean {
  return readK3sUnit(host) !== undefined;
}

/**
 * What is wrong with k3s, if it is configured: a server's API must be ready, an agent's kubelet must be healthy. If it
 * ended by itself, a `whole` look says how often, and what it said last.
 */
export async function k3sFault(
  unit: Unit,
  host: K3sHost,
  thoroughness: "brief" | "whole",
): Promise<string | undefined> {
  const role = readK3sUnit(host)?.role;
  if (role === undefined) return undefined;
  const state = unit.get("ActiveState");
  const ends = endsOf(unit);
  if (state !== "active") {
    const fault = `${UNIT.k3s} is ${state ?? "unknown"}`;
    if (ends === 0) return fault;
    return thoroughness === "whole" ? await describeEnds(ends, host) : fault;
  }
  const fault = role === "server" ? await serverFault(host) : await agentFault(host);
  if (fault === undefined || ends === 0 || thoroughness === "brief") return fault;
  return `${await describeEnds(ends, host)}; now ${fault}`;
}

/** Whether k3s was started, and has not ended by itself since. */
export function stillStarts(unit: Unit): boolean {
  const state = unit.get("ActiveState");
  return (state === "activating" || state === "active") && endsOf(unit) === 0;
}

/** How often k3s has ended by itself: systemd counts the starts after that, the next of which may be due. */
function endsOf(unit: Unit): number {
  const due = unit.get("SubState") === "auto-restart" || unit.get("ActiveState") === "failed" ? 1 : 0;
  return Number(unit.get("NRestarts") || 0) + due;
}

async function serverFault(host: K3sHost): Promise<string | undefined> {
  const api = openKubernetes(host, "admin");
  if (api === undefined) return "the server is not ready: it has not written its kubeconfig yet";
  try {
    await api.request("GET", "/readyz", { timeout: PATIENCE });
    return undefined;
  } catch (error) {
    const text = messageOf(error);
    return `the server is not ready: ${text.match(/\[-\].*$/gm)?.join(", ") ?? text}`;
  }
}

async function agentFault(host: K3sHost): Promise<undefined> {
  await askKubelet(5_000, host);
  return undefined;
}

/** systemd's message about the end of a service: `systemctl --catalog`, systemd.catalog(5). */
const PROCESS_EXIT = "98e322203f7a4ed290d09fe03c09fe15";

/** `k3s ended with status 1, 38 times; its last line: "…"`, as far as the journal says. */
async function describeEnds(times: number, host: Pick<Host, "run">): Promise<string> {
  const ask = async (...words: readonly string[]) => {
    const options = { check: false, timeout: 30_000 } as const;
    return (await host.run(cmd`journalctl --boot --no-pager --lines 1 ${words}`, options)).stdout.trim();
  };
  const end = endIn(await ask("--output", "json", `UNIT=${UNIT.k3s}`, `MESSAGE_ID=${PROCESS_EXIT}`));
  const line = await ask("--output", "cat", `_SYSTEMD_UNIT=${UNIT.k3s}`);
  const often = times === 1 ? "" : `, ${times} times`;
  return `k3s ${end}${often}${line === "" ? "" : `; its last line: ${JSON.stringify(line.slice(0, 300))}`}`;
}

/** systemd logs how a program ended only if it failed. */
function endIn(entry: string): string {
  let fields: { readonly EXIT_CODE?: unknown; readonly EXIT_STATUS?: unknown };
  try {
    fields = JSON.parse(entry);
  } catch {
    return "ended";
  }
  const { EXIT_CODE: how, EXIT_STATUS: status } = fields;
  if (typeof status !== "string") return "ended";
  return how === "exited" ? `ended with status ${status}` : `was ended by ${signalName(Number(status))}`;
}

function signalName(number: number): string {
  const [name] = Object.entries(constants.signals).find(([, value]) => value === number) ?? [];
  return name ?? `signal ${number}`;
}
