import type { Host } from "../tools/host/host.ts";
import type { KubernetesApi } from "../tools/kubernetes/kubernetes-api.ts";
import { ANNOTATION, type NodeObject, patchNode, readMap } from "./node-object.ts";

type Labels = Readonly<Record<string, string>>;

/**
 * Sets the labels of the configuration on this node, and removes those that k3OS set before. The kubelet's identity may
 * set all labels that the configuration accepts. In the same step it writes which taints the node wants, which only a
 * server may set. Returns the node as it is then. Throws KubernetesError.
 */
export async function followLabels(
  node: NodeObject,
  wanted: Labels,
  taints: readonly string[],
  api: KubernetesApi,
  host: Pick<Host, "log">,
): Promise<NodeObject> {
  const { labels, annotations } = planLabels(node.metadata, wanted);
  const wish = JSON.stringify(taints);
  // a node that never wanted any taint needs no annotation for that
  const isNewWish = (node.metadata.annotations?.[ANNOTATION.wantedTaints] ?? "[]") !== wish;
  const changed = { ...annotations, ...(isNewWish ? { [ANNOTATION.wantedTaints]: wish } : {}) };
  if (Object.keys({ ...labels, ...changed }).length === 0) return node;
  const names = Object.entries(labels).map(([key, value]) => (value === null ? `${key} removed` : key));
  if (names.length > 0) host.log.info(`Labels of the node follow the configuration: ${names.join(", ")}`);
  return await patchNode(node.metadata.name, { metadata: { labels, annotations: changed } }, api);
}

/** The changes of labels and annotations; null: to be removed. */
export interface LabelPlan {
  readonly labels: Readonly<Record<string, string | null>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * Plans which labels of a node change. Pure. A label that k3OS set, and that a person changed since, is not removed.
 * Labels from the registration become k3OS's the first time, since k3s got them from the same configuration.
 */
export function planLabels(
  { labels: live = {}, annotations = {} }: { readonly labels?: Labels; readonly annotations?: Labels },
  wanted: Labels,
): LabelPlan {
  const managed = readMap(annotations[ANNOTATION.labels]) ?? {};
  const labels: Record<string, string | null> = {};
  for (const [key, value] of Object.entries(wanted)) if (live[key] !== value) labels[key] = value;
  for (const [key, value] of Object.entries(managed)) {
    if (!Object.hasOwn(wanted, key) && live[key] === value) labels[key] = null;
  }
  const record = JSON.stringify(
    Object.fromEntries(Object.entries(wanted).sort(([a], [b]) => (a < b ? -1 : 1))),
  );
  return {
    labels,
    annotations: annotations[ANNOTATION.labels] === record ? {} : { [ANNOTATION.labels]: record },
  };
}
