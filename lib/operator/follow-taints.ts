import { isFields } from "../tools/fs/record.ts";
import type { Host } from "../tools/host/host.ts";
import type { KubernetesApi } from "../tools/kubernetes/kubernetes-api.ts";
import { messageOf } from "../tools/text/errors.ts";
import { type KubernetesObject, objectPath, putObject, readObject } from "./kubernetes-object.ts";
import { ANNOTATION, type NodeObject, patchNode } from "./node-object.ts";
import { planTaints, type TaintPlan, type TaintRecord } from "./node-taints.ts";

/** The servers' record: a kubelet can write all annotations of its node, but not this. */
const HOLDER: KubernetesObject = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "k3os-node-taints", namespace: "kube-system" },
};

/**
 * Milliseconds after a node has joined in which its taints may be those of its registration. Later, whoever has its
 * identity might only want to be rid of them.
 */
const JOINING = 3_600_000;

/**
 * Gives all nodes the taints that they want and may have, with the identity of the server `own`. All servers may do this
 * at the same time: a write that meets another's fails, and the next run finishes. Throws KubernetesError.
 */
export async function followTaints(
  own: string | undefined,
  api: KubernetesApi,
  host: Pick<Host, "log" | "clock">,
): Promise<void> {
  const items = await listNodes(api);
  const holder = await readObject(objectPath(HOLDER), api);
  const records = readRecords(holder);
  const names = new Set(items.map(({ metadata }) => metadata.name));
  const plans = items.flatMap((node) => {
    const { name, creationTimestamp } = node.metadata;
    const age = host.clock.now() - Date.parse(String(creationTimestamp));
    const plan = planTaints(node, records[name], { adopts: name === own || age < JOINING });
    return plan === undefined ? [] : [{ node, plan }];
  });
  const kept = Object.entries(records).filter(([name]) => names.has(name));
  const claims = { ...Object.fromEntries(kept), ...byNode(plans, ({ claim }) => claim) };
  const claimed = await writeRecords(claims, holder, api);
  const done = { ...claims };
  for (const { node, plan } of plans) {
    const { name } = node.metadata;
    for (const reason of plan.refused) host.log.warn(`A taint that ${name} wants is left out: ${reason}`);
    try {
      await applyTaints(node, plan, api, host);
      done[name] = plan.record;
    } catch (error) {
      host.log.warn(`The taints of ${name} are left for the next time: ${messageOf(error)}`);
    }
  }
  await writeRecords(done, claimed, api);
}

/** In pieces: nodes of large clusters are more than one answer may be. */
async function listNodes(api: KubernetesApi): Promise<readonly NodeObject[]> {
  const nodes: NodeObject[] = [];
  for (let next = ""; ; ) {
    const query = new URLSearchParams({ limit: "250", ...(next === "" ? {} : { continue: next }) });
    const list = await api.request<NodeList>("GET", `/api/v1/nodes?${query}`);
    nodes.push(...list.items);
    next = list.metadata?.continue ?? "";
    if (next === "") return nodes;
  }
}

interface NodeList {
  readonly items: readonly NodeObject[];
  readonly metadata?: { readonly continue?: string };
}

async function applyTaints(
  { metadata: { name, resourceVersion, annotations } }: NodeObject,
  { taints, record }: TaintPlan,
  api: KubernetesApi,
  host: Pick<Host, "log">,
): Promise<void> {
  const text = JSON.stringify(record.taints);
  const isShown = (annotations?.[ANNOTATION.taints] ?? "[]") === text;
  if (taints === undefined && isShown) return;
  const metadata = { resourceVersion, annotations: { [ANNOTATION.taints]: text } };
  await patchNode(name, taints === undefined ? { metadata } : { metadata, spec: { taints } }, api);
  if (taints !== undefined) host.log.info(`The taints of ${name} follow its configuration: ${text}`);
}

type Records = Readonly<Record<string, TaintRecord>>;

function byNode(
  plans: readonly { readonly node: NodeObject; readonly plan: TaintPlan }[],
  pick: (plan: TaintPlan) => TaintRecord,
): Records {
  return Object.fromEntries(plans.map(({ node, plan }) => [node.metadata.name, pick(plan)]));
}

function readRecords(holder: KubernetesObject | undefined): Records {
  const data = isFields(holder?.data) ? holder.data : {};
  return Object.fromEntries(
    Object.entries(data).flatMap(([name, text]): [string, TaintRecord][] => {
      const record = parse(text);
      return record === undefined ? [] : [[name, record]];
    }),
  );
}

function parse(text: unknown): TaintRecord | undefined {
  try {
    const value: unknown = JSON.parse(String(text));
    const { uid, taints } = isFields(value) ? value : {};
    return typeof uid === "string" && Array.isArray(taints) ? { uid, taints: taints.map(String) } : undefined;
  } catch {
    return undefined;
  }
}

/** Returns the holder as it is then; an unchanged one is not written. */
async function writeRecords(
  records: Records,
  holder: KubernetesObject | undefined,
  api: KubernetesApi,
): Promise<KubernetesObject | undefined> {
  const data = Object.fromEntries(
    Object.entries(records).map(([name, record]) => [name, JSON.stringify(record)]),
  );
  const before = isFields(holder?.data) ? holder.data : {};
  const names = new Set([...Object.keys(data), ...Object.keys(before)]);
  if ([...names].every((name) => data[name] === before[name])) return holder;
  return await putObject({ ...(holder ?? HOLDER), data }, api);
}
