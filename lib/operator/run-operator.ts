import { readConfig } from "../config/read/read.ts";
import type { K3osConfig } from "../config/schema/schema.ts";
import { readRecords } from "../tools/generation/generation-facts.ts";
import type { Host } from "../tools/host/host.ts";
import { inRoot, PATH } from "../tools/host/paths.ts";
import { type KubernetesApi, openKubernetes } from "../tools/kubernetes/kubernetes-api.ts";
import { nodeName } from "../tools/kubernetes/node-name.ts";
import { nodeRole } from "../tools/kubernetes/node-role.ts";
import { runningMode } from "../tools/node/running-mode.ts";
import { runningVersion } from "../tools/node/running-version.ts";
import { messageOf } from "../tools/text/errors.ts";
import { deliverManifests } from "./deliver-manifests.ts";
import { followTaints } from "./follow-taints.ts";
import { followLabels } from "./node-labels.ts";
import { type NodeObject, nodePath } from "./node-object.ts";
import { ownManifests } from "./own-manifests.ts";
import { settleJob } from "./settle-job.ts";
import { tellFailure } from "./tell-failure.ts";

export type OperatorHost = Pick<Host, "root" | "env" | "log" | "clock">;

/** Milliseconds between two tries to reach the API, and how long they last: then it is the timer's turn. */
const PAUSE = 15_000;
const PATIENCE = 180_000;

/**
 * Brings Kubernetes in line with this node: labels and taints of the configuration, what became of an upgrade, and on a
 * server the manifests of the release and the taints of all nodes. Each part does nothing if nothing has changed, and a
 * failure of one does not stop the others. Returns whether all succeeded; false also if the API cannot be reached.
 */
export async function runOperator(host: OperatorHost): Promise<boolean> {
  const role = nodeRole(host);
  if (role === undefined) return true;
  const found = await findNode(role === "server", host);
  if (found === undefined) return false;
  const { name, node, kubelet } = found;
  const { config } = await readConfig(host);
  const steps: [string, () => Promise<unknown>][] = [];
  if (node !== undefined && kubelet !== undefined) {
    const { labels, taints } = wishOf(config.k3os ?? {}, host);
    steps.push(["labels", () => followLabels(node, labels, taints, kubelet, host)]);
    steps.push(["upgrade", () => settleJob(node, kubelet, host)]);
    steps.push(["upgrade's failure", () => tellFailure(node, kubelet, host)]);
  }
  const admin = role === "server" ? openKubernetes(host, "admin") : undefined;
  if (admin !== undefined) {
    steps.push(["manifests", () => deliver(admin, host)]);
    steps.push(["taints", () => followTaints(name, admin, host)]);
  }
  let isDone = true;
  for (const [what, step] of steps) {
    try {
      await step();
    } catch (error) {
      isDone = false;
      host.log.warn(`The ${what} in Kubernetes: left for the next time: ${messageOf(error)}`);
    }
  }
  return isDone;
}

interface Found {
  readonly name: string | undefined;
  /** Undefined on a server without a kubelet. */
  readonly node: NodeObject | undefined;
  readonly kubelet: KubernetesApi | undefined;
}

/**
 * Waits for the API, and until the node has joined; undefined if that takes too long. A server may have no kubelet:
 * then it goes on without its node.
 */
async function findNode(isServer: boolean, host: OperatorHost): Promise<Found | undefined> {
  const end = host.clock.monotonic() + PATIENCE;
  for (;;) {
    try {
      const name = nodeName(host);
      const kubelet = name === undefined ? undefined : openKubernetes(host, "kubelet");
      if (name !== undefined && kubelet !== undefined) {
        const node = await kubelet.request<NodeObject>("GET", nodePath(name), { timeout: 15_000 });
        return { name, node, kubelet };
      }
    } catch (error) {
      host.log.debug(messageOf(error)); // k3s writes its files and answers when it has started
    }
    if (host.clock.monotonic() >= end) break;
    await host.clock.sleep(PAUSE);
  }
  if (isServer) return { name: undefined, node: undefined, kubelet: undefined };
  host.log.info(
    "The Kubernetes API cannot be reached, or this node has not joined yet: the timer tries again",
  );
  return undefined;
}

/** The labels and taints that the node should have, as the arguments of k3s have them at the registration. */
function wishOf(
  { labels = {}, taints = [] }: Pick<K3osConfig, "labels" | "taints">,
  host: Pick<Host, "root">,
): { readonly labels: Readonly<Record<string, string>>; readonly taints: readonly string[] } {
  const mode = runningMode(host);
  const own = {
    "k3os.io/version": runningVersion(host),
    ...(mode === undefined ? {} : { "k3os.io/mode": mode }),
  };
  return { labels: { ...labels, ...own }, taints: taints.flatMap((list) => list.split(",")) };
}

/** What a release on trial brings might be newer than what stays. */
async function deliver(api: KubernetesApi, host: OperatorHost): Promise<void> {
  const { trial } = readRecords(inRoot(host, PATH.system));
  if (trial === undefined) await deliverManifests(ownManifests(host), api, host);
}
