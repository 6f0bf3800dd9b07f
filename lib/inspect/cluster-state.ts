import { hostname } from "node:os";
import { connect } from "node:tls";
import type { Host } from "../tools/host/host.ts";
import { within } from "../tools/host/within.ts";
import { type KubernetesApi, openKubernetes } from "../tools/kubernetes/kubernetes-api.ts";
import { KubernetesError } from "../tools/kubernetes/kubernetes-error.ts";
import { nodeName } from "../tools/kubernetes/node-name.ts";
import { readK3sUnit } from "../tools/node/k3s-unit.ts";
import { messageOf } from "../tools/text/errors.ts";
import { findIdlePods, type Pod } from "./idle-pods.ts";
import type { InspectHost } from "./node-facts.ts";

/** The node as its cluster sees it. */
export interface ClusterState {
  /** Its name there. */
  readonly node: string;
  /** Undefined: the API server does not answer, or does not know the node; see `problem`. */
  readonly ready: boolean | undefined;
  /** Why the node is not ready, in the words of Kubernetes: `KubeletNotReady: …`. */
  readonly reason: string | undefined;
  /** Since when it is or is not ready; RFC 3339. */
  readonly since: string | undefined;
  /** It takes no new pods: `kubectl cordon`. */
  readonly cordoned: boolean;
  /** Versions of the kubelet of this node and of the API server. */
  readonly kubelet: string | undefined;
  readonly server: string | undefined;
  /** Number of pods that do not come up: of this node and, on a server, those without a node. */
  readonly podsNotUp: number | undefined;
  /** Why the API server could not be asked. */
  readonly problem: string | undefined;
}

/** How long the API server is waited for. */
export interface Patience {
  /** Milliseconds for a TLS connection. */
  readonly reach: number;
  /** Milliseconds for the connection and all answers. */
  readonly total: number;
}

const TOTAL = 3_000;

/**
 * Milliseconds for a TLS connection to the API server. An emulated or overloaded machine needs longer: as long as this
 * program has needed so far.
 */
function reachOf(): number {
  return Math.min(TOTAL, Math.max(600, performance.now()));
}

/**
 * Asks the API server about this node, with the node's own identity. Undefined where k3s has written none, or none that
 * this user may read. By default, takes less than a second if the server is away, and 3 s at most.
 */
export async function readCluster(
  host: InspectHost,
  patience: Patience = { reach: reachOf(), total: TOTAL },
): Promise<ClusterState | undefined> {
  let api: KubernetesApi | undefined;
  let node = hostname().toLowerCase();
  try {
    api = openKubernetes(host);
    node = nodeName(host) ?? node;
  } catch {
    return undefined; // it is another user's
  }
  if (api === undefined) return undefined;
  const end = performance.now() + patience.total;
  const silence = await silenceOf(addressOf(api, host), patience.reach);
  if (silence !== undefined) return away(node, `the API server does not answer: ${silence}`);
  const answers = askAbout(node, api, { timeout: patience.total }, host);
  return await within(end - performance.now(), answers, () =>
    away(node, `the API server does not answer within ${patience.total / 1000} s`),
  );
}

async function askAbout(
  node: string,
  api: KubernetesApi,
  options: { readonly timeout: number },
  host: Pick<Host, "clock">,
): Promise<ClusterState> {
  const get = <T>(path: string) => api.request<T>("GET", path, options);
  const pods = (selector: string) =>
    get<{ items: readonly Pod[] }>(`/api/v1/pods?fieldSelector=${encodeURIComponent(selector)}`);
  try {
    const [found, { gitVersion }, ...lists] = await Promise.all([
      get<NodeObject>(`/api/v1/nodes/${node}`),
      get<{ gitVersion: string }>("/version"),
      pods(`spec.nodeName=${node}`),
      ...(api.identity === "admin" ? [pods("spec.nodeName=,status.phase=Pending")] : []),
    ]);
    const all = lists.flatMap(({ items }) => items);
    return {
      node,
      ...describeNodeObject(found),
      server: gitVersion,
      podsNotUp: findIdlePods(all, host.clock.now()).length,
      problem: undefined,
    };
  } catch (error) {
    if (error instanceof KubernetesError && error.kind === "notFound") {
      return away(node, `the cluster knows no node "${node}"`);
    }
    return away(node, messageOf(error));
  }
}

function away(node: string, problem: string): ClusterState {
  const unknown = {
    ready: undefined,
    reason: undefined,
    since: undefined,
    kubelet: undefined,
    server: undefined,
  };
  return { node, ...unknown, cordoned: false, podsNotUp: undefined, problem };
}

/** https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/node-v1/ */
export interface NodeObject {
  readonly spec?: { readonly unschedulable?: boolean };
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
      readonly lastTransitionTime?: string;
    }[];
    readonly nodeInfo?: { readonly kubeletVersion?: string };
  };
}

/** Whether a node is ready, and if not, why. */
export function describeNodeObject({
  spec,
  status,
}: NodeObject): Pick<ClusterState, "ready" | "reason" | "since" | "cordoned" | "kubelet"> {
  const condition = status?.conditions?.find(({ type }) => type === "Ready");
  const ready = condition?.status === "True";
  const words = [condition?.reason, condition?.message].filter(Boolean).join(": ");
  return {
    ready,
    reason: ready ? undefined : words || "it has not reported yet",
    since: condition?.lastTransitionTime,
    cordoned: spec?.unschedulable === true,
    kubelet: status?.nodeInfo?.kubeletVersion || undefined,
  };
}

/** The server to connect to: of an agent, that behind its local load balancer, which accepts every connection. */
function addressOf({ identity, server }: KubernetesApi, host: Pick<Host, "root">): string {
  const joined = identity === "kubelet" ? readK3sUnit(host)?.joins : undefined;
  return joined ?? server ?? "https://127.0.0.1:6443";
}

/**
 * Why a server does not answer with TLS within `reach` milliseconds; undefined if it does. A server that hangs still
 * accepts connections. Its certificate is verified with the questions.
 */
async function silenceOf(server: string, reach: number): Promise<string | undefined> {
  const { hostname: name, port } = new URL(server);
  const to = { host: name.replace(/^\[|\]$/g, ""), port: Number(port || 443), rejectUnauthorized: false };
  return await new Promise((resolve) => {
    const socket = connect(to, () => end(undefined));
    const timer = setTimeout(() => end(`not within ${Math.round(reach / 100) / 10} s`), reach); // also for the name
    const end = (problem: string | undefined) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(problem);
    };
    socket.on("error", ({ message }: Error) => end(message));
  });
}

/** {@link ClusterState} in words, one per fact. */
export function describeCluster(cluster: ClusterState): string[] {
  const { ready, reason, since, cordoned, kubelet, server, podsNotUp, problem } = cluster;
  if (problem !== undefined) return [problem];
  const state =
    ready === true ? "Ready" : `not Ready${since === undefined ? "" : ` since ${since}`} (${reason})`;
  return [
    cordoned ? `${state}, takes no new pods (cordoned)` : state,
    ...(kubelet === undefined ? [] : [`kubelet ${kubelet}`]),
    ...(server === undefined ? [] : [`server ${server}`]),
    ...(podsNotUp ? [`pods that do not come up: ${podsNotUp}`] : []),
  ];
}
