import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { writeFileAtomic } from "../tools/fs/atomic.ts";
import { isFields, readRecord } from "../tools/fs/record.ts";
import { readGenerations } from "../tools/generation/generation-facts.ts";
import { linkedVersions } from "../tools/generation/generation-links.ts";
import type { Quarantined } from "../tools/generation/quarantine.ts";
import { describeVersions } from "../tools/generation/trial.ts";
import type { Host } from "../tools/host/host.ts";
import { inRoot, PATH } from "../tools/host/paths.ts";
import { timeStamp } from "../tools/host/time-stamp.ts";
import type { KubernetesApi } from "../tools/kubernetes/kubernetes-api.ts";
import { CommandError } from "../tools/text/errors.ts";
import { type NodeCondition, type NodeObject, nodePath } from "./node-object.ts";

/** As other conditions that are problems: `True` is the bad case. */
export const CONDITION = "K3osUpgradeTakenBack";

/** The failure that is told, and the versions that ran instead: with others, it is past. */
interface Told {
  readonly at: string;
  readonly versions: unknown;
}

const FILE = join(PATH.localState, "taken-back.json");

/**
 * Says in Kubernetes that this node's latest versions were taken back, and why: by a condition until other versions are
 * kept, and by one event. Throws KubernetesError; the next call tries again.
 */
export async function tellFailure(
  node: NodeObject,
  api: KubernetesApi,
  host: Pick<Host, "root" | "log" | "clock">,
): Promise<void> {
  const { quarantine, links, trial } = readGenerations(inRoot(host, PATH.system));
  const latest = quarantine.at(-1);
  const told = readRecord(inRoot(host, FILE), checkTold);
  if (latest === undefined || trial !== undefined) return;
  const versions = linkedVersions(links, "current");
  const isNew = told?.at !== latest.at;
  const isPast = !isNew && !isDeepStrictEqual(told?.versions, { ...versions });
  const live = node.status?.conditions?.find(({ type }) => type === CONDITION);
  const running = describeVersions(versions);
  const expected = isPast ? pastCondition(running) : failedCondition(latest, running);
  const isShown = live?.status === expected.status && live.message === expected.message;
  if (!isShown && (live !== undefined || !isPast)) await setCondition(node, live, expected, api, host);
  if (!isNew) return;
  await createEvent(node, expected.message, api, host);
  host.log.info(`Kubernetes knows that ${describeVersions(latest.versions)} was taken back`);
  writeFileAtomic(inRoot(host, FILE), `${JSON.stringify({ at: latest.at, versions })}\n`, { parents: true });
}

function checkTold(value: unknown): Told {
  const { at, versions } = isFields(value) ? value : {};
  if (typeof at !== "string") throw new CommandError("it holds something else");
  return { at, versions };
}

type Expected = Pick<NodeCondition, "status" | "reason"> & { readonly message: string };

function failedCondition({ versions, reason, at }: Quarantined, running: string): Expected {
  const message = `${describeVersions(versions)} failed on ${at}: ${reason}. Running: ${running}`;
  return { status: "True", reason: "TakenBack", message };
}

function pastCondition(running: string): Expected {
  return { status: "False", reason: "Upgraded", message: `Running: ${running}` };
}

async function setCondition(
  { metadata: { name } }: NodeObject,
  live: NodeCondition | undefined,
  expected: Expected,
  api: KubernetesApi,
  host: Pick<Host, "clock">,
): Promise<void> {
  const now = timeStamp(host);
  const lastTransitionTime = live?.status === expected.status ? live.lastTransitionTime : now;
  const condition = { type: CONDITION, ...expected, lastTransitionTime, lastHeartbeatTime: now };
  await api.request("PATCH", `${nodePath(name)}/status`, {
    body: { status: { conditions: [condition] } },
    contentType: "application/strategic-merge-patch+json", // by the type of the condition
  });
}

/** https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/ */
async function createEvent(
  { metadata: { name } }: NodeObject,
  message: string,
  api: KubernetesApi,
  host: Pick<Host, "clock">,
): Promise<void> {
  const now = timeStamp(host);
  const event = {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: `${name}.${randomUUID().slice(0, 8)}`, namespace: "default" },
    involvedObject: { apiVersion: "v1", kind: "Node", name, uid: name }, // as the kubelet's own events have it
    type: "Warning",
    reason: "UpgradeTakenBack",
    message: message.slice(0, 1024),
    source: { component: "k3os", host: name },
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
  };
  await api.request("POST", "/api/v1/namespaces/default/events", { body: event });
}
