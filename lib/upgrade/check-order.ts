import { existsSync } from "node:fs";
import { dirname } from "node:path";
import type { Part } from "../tools/generation/stage.ts";
import { triedVersion } from "../tools/generation/tried-version.ts";
import type { Host } from "../tools/host/host.ts";
import { inRoot, PATH } from "../tools/host/paths.ts";
import {
  type KubernetesApi,
  type KubernetesHost,
  openKubernetes,
  openKubernetesAt,
} from "../tools/kubernetes/kubernetes-api.ts";
import { nodeName } from "../tools/kubernetes/node-name.ts";
import { nodeRole } from "../tools/kubernetes/node-role.ts";
import { serverAddresses } from "../tools/kubernetes/server-addresses.ts";
import { messageOf } from "../tools/text/errors.ts";
import { type Asked, asksServers, type OrderFacts, type OtherServer, orderProblem } from "./upgrade-order.ts";

export type OrderHost = Pick<Host, "log" | "clock" | "env">;

export interface OrderOptions {
  /** Only warn of what is out of order. */
  readonly allowSkew: boolean;
  /** See {@link OrderFacts.comesFrom}. */
  readonly comesFrom?: readonly string[] | undefined;
}

/** Below the root of the running system; only members of an etcd cluster have it. */
const ETCD = `${PATH.datastore}/etcd`;

/**
 * Refuses versions of k3s whose turn it is not: asks the cluster with the identity of the machine to which the system
 * directory belongs, which in the container of a Plan is not ours. Other components have no order. Throws OrderError.
 */
export async function checkOrder(
  system: string,
  parts: readonly Part[],
  { allowSkew, comesFrom }: OrderOptions,
  host: OrderHost,
): Promise<void> {
  const to = parts.find(({ component }) => component === "k3s")?.version;
  if (to === undefined) return;
  const problem = orderProblem({ ...(await readOrderFacts(system, to, host)), comesFrom });
  if (problem === undefined) return;
  if (!allowSkew) throw problem;
  host.log.warn(`${messageOf(problem)}; going on because of --allow-skew`);
}

/** Reads the facts; asks the cluster only if its answer matters. Never throws. */
export async function readOrderFacts(system: string, to: string, host: OrderHost): Promise<OrderFacts> {
  const machine: KubernetesHost = { ...host, root: dirname(dirname(system)) };
  const role = nodeRole(machine);
  const from = triedVersion(system, "k3s");
  const asksMembers = role === "server" && from !== to && existsSync(inRoot(machine, ETCD));
  return {
    role,
    from,
    to,
    servers: role === "agent" && asksServers(from, to) ? await asked(() => askServers(machine)) : undefined,
    members: asksMembers ? await asked(() => askMembers(machine)) : undefined,
  };
}

async function asked<T>(ask: () => Promise<T>): Promise<Asked<T>> {
  try {
    return { kind: "answered", value: await ask() };
  } catch (error) {
    return { kind: "unknown", reason: messageOf(error) };
  }
}

const WITHOUT = new Error("k3s has not written a kubeconfig for it yet");

/** The versions of all servers that answer; at least one must. */
async function askServers(host: KubernetesHost): Promise<readonly string[]> {
  const all = serverAddresses(host).map((server) => openKubernetesAt(server, host, "kubelet"));
  const apis = all.length > 0 ? all : [openKubernetes(host, "kubelet")];
  const answers = await Promise.allSettled(
    apis.map((api) => (api === undefined ? Promise.reject(WITHOUT) : versionOf(api))),
  );
  const versions = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
  if (versions.length > 0) return versions;
  const [first] = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason] : []));
  // the addresses may be outdated: the load balancer, or the server that was joined, may still answer
  const last = all.length > 0 ? openKubernetes(host, "kubelet") : undefined;
  if (last === undefined) throw first;
  return [await versionOf(last)];
}

async function versionOf(api: KubernetesApi): Promise<string> {
  return (await api.request<{ readonly gitVersion: string }>("GET", "/version")).gitVersion;
}

interface NodeList {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
    readonly status: {
      readonly nodeInfo: { readonly kubeletVersion: string };
      readonly conditions?: readonly Condition[];
    };
  }[];
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
}

const SERVER_LABELS = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/etcd"];

async function askMembers(host: KubernetesHost): Promise<readonly OtherServer[]> {
  const api = openKubernetes(host, "admin");
  if (api === undefined) throw WITHOUT;
  const own = nodeName(host);
  const { items } = await api.request<NodeList>("GET", "/api/v1/nodes");
  const servers = items.filter(({ metadata: { name, labels = {} } }) => {
    return name !== own && SERVER_LABELS.some((label) => labels[label] === "true");
  });
  return servers.map(({ metadata, status }) => ({
    name: metadata.name,
    version: status.nodeInfo.kubeletVersion,
    problem: healthProblem(status.conditions ?? []),
  }));
}

/** k3s adds to the nodes of an embedded etcd whether they vote in it. */
function healthProblem(conditions: readonly Condition[]): string | undefined {
  const ready = conditions.find(({ type }) => type === "Ready");
  if (ready?.status !== "True") return `not Ready${ready?.reason === undefined ? "" : `: ${ready.reason}`}`;
  const voter = conditions.find(({ type }) => type === "EtcdIsVoter");
  return voter === undefined || voter.status === "True" ? undefined : "no voter in etcd";
}
