import { existsSync, statfsSync } from "node:fs";
import { cmd } from "../tools/host/cmd.ts";
import { inRoot, UNIT } from "../tools/host/paths.ts";
import { unitProperties } from "../tools/host/systemd.ts";
import { askKubelet } from "../tools/kubernetes/kubelet-health.ts";
import { type K3sUnit, readK3sUnit } from "../tools/node/k3s-unit.ts";
import { formatBytes } from "../tools/terminal/progress.ts";
import { findEnds, findTrouble, type Trouble } from "./k3s-trouble.ts";
import type { InspectHost } from "./node-facts.ts";

/** The state of k3s in the service manager. */
export interface K3sState {
  readonly role: "server" | "agent";
  /** `active`, `activating`, `failed`, `inactive` …; undefined without a service manager. */
  readonly state: string | undefined;
  /** Since when it is active or, while it starts, since when it starts. */
  readonly since: string | undefined;
  /** Why it does not come up, if that is known. */
  readonly trouble: Trouble | undefined;
}

const PROPERTIES = [
  ...["ActiveState", "ActiveEnterTimestamp", "InactiveExitTimestamp", "NRestarts"],
  ...["ExecMainCode", "ExecMainStatus"],
];

/** `si_code` of a process that a signal ended (sigaction(2)): CLD_KILLED, CLD_DUMPED. */
const KILLED = ["2", "3"];

/** Where k3s keeps its data and images; the first that exists. */
const DATA = ["/var/lib/rancher/k3s", "/"];

/** Messages older than this do not count: what they complain about may be over. */
const RECENT = "-15min";
const LINES = 300;

/** Milliseconds for the journal, and for the kubelet. */
const PATIENCE = { journal: 10_000, kubelet: 1_000 };

/** The configured role and the state of k3s; undefined if it is not configured. */
export async function readK3s(host: InspectHost): Promise<K3sState | undefined> {
  const unit = readK3sUnit(host);
  if (unit === undefined) return undefined;
  const { role } = unit;
  try {
    const properties = await unitProperties(UNIT.k3s, PROPERTIES, host);
    const state = properties.get("ActiveState");
    const since = state === "activating" ? "InactiveExitTimestamp" : "ActiveEnterTimestamp";
    const trouble = await readTrouble(properties, host);
    const detailed = trouble && { ...trouble, message: withDetail(trouble, unit, host) };
    return { role, state, since: properties.get(since) || undefined, trouble: detailed };
  } catch {
    return { role, state: undefined, since: undefined, trouble: undefined }; // no service manager, as in a container
  }
}

/** Names the server that is away, and how full the disk is, which k3s does not always. */
function withDetail({ kind, message }: Trouble, { joins }: K3sUnit, host: Pick<InspectHost, "root">): string {
  if (kind === "server" && joins !== undefined)
    return message.replace(/^the server cannot/, `the server ${joins} cannot`);
  const directory = DATA.map((path) => inRoot(host, path)).find((path) => existsSync(path));
  if (kind !== "disk" || directory === undefined) return message;
  const { bsize, blocks, bavail } = statfsSync(directory);
  return `${message}: ${formatBytes(bavail * bsize)} of ${formatBytes(blocks * bsize)} free now`;
}

async function readTrouble(
  properties: ReadonlyMap<string, string>,
  host: InspectHost,
): Promise<Trouble | undefined> {
  const state = properties.get("ActiveState");
  const lines = await recentLines(host);
  const found = findTrouble(lines);
  // an agent is active from its first moment on, whatever its server says
  if (found?.kind === "disk") return found;
  if (found !== undefined && !(await isKubeletWell(host))) return found;
  if (state === "active") return undefined;
  const how = KILLED.includes(properties.get("ExecMainCode") ?? "") ? "signal" : "status";
  const [status, restarts] = ["ExecMainStatus", "NRestarts"].map((name) => Number(properties.get(name) || 0));
  return findEnds({ status: status ?? 0, how, restarts: restarts ?? 0 }, lines);
}

/** Whether the kubelet of this node runs and is well: it does once k3s has joined. */
async function isKubeletWell(host: InspectHost): Promise<boolean> {
  return await askKubelet(PATIENCE.kubelet, host).then(
    () => true,
    () => false,
  );
}

/** The last messages of k3s itself, without those of the service manager, oldest first; none for a user who may not read the journal. */
async function recentLines(host: Pick<InspectHost, "run">): Promise<readonly string[]> {
  const argv = cmd`
    journalctl ${`_SYSTEMD_UNIT=${UNIT.k3s}`} --boot --since=${RECENT} --lines=${LINES} --output=cat --no-pager --quiet
  `;
  const { stdout } = await host.run(argv, { check: false, timeout: PATIENCE.journal });
  return stdout.split("\n").filter((line) => line !== "");
}

/** The state of a service in words; for one that starts, since when. */
export function describeState({ state, since }: Pick<K3sState, "state" | "since">): string {
  if (state !== "activating") return state ?? "unknown";
  return since === undefined ? "starting" : `starting since ${since}`;
}
