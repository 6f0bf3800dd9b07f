import { isFields } from "../tools/fs/record.ts";
import type { KubernetesApi } from "../tools/kubernetes/kubernetes-api.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";

/** A taint of a node. https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/ */
export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
  readonly timeAdded?: string;
}

export interface NodeCondition extends Readonly<Record<string, unknown>> {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

/** A node of the cluster. */
export interface NodeObject extends KubernetesObject {
  readonly spec?: { readonly taints?: readonly Taint[]; readonly unschedulable?: boolean };
  readonly status?: { readonly conditions?: readonly NodeCondition[] };
}

/** Annotations by which k3OS keeps what it did to a node. */
export const ANNOTATION = {
  /** The labels that k3OS set, as a JSON object: it changes and removes no others. */
  labels: "k3os.io/managed-labels",
  /** The taints of the node's configuration, as a JSON list of `KEY=VALUE:EFFECT`: its wish to the servers. */
  wantedTaints: "k3os.io/wanted-taints",
  /** The taints that k3OS set, in the same form. For readers: the servers have a record of their own. */
  taints: "k3os.io/managed-taints",
} as const;

/**
 * When a node was cordoned, in milliseconds since the epoch, by the API server's record of who wrote which field;
 * undefined if it does not say. https://kubernetes.io/docs/reference/using-api/server-side-apply/#managers
 */
export function cordonTime({ metadata: { managedFields } }: NodeObject): number | undefined {
  const entries = Array.isArray(managedFields) ? managedFields.filter(isFields) : [];
  const owner = entries.find(({ fieldsV1 }) => {
    const spec = isFields(fieldsV1) ? fieldsV1["f:spec"] : undefined;
    return isFields(spec) && Object.hasOwn(spec, "f:unschedulable");
  });
  const time = typeof owner?.time === "string" ? Date.parse(owner.time) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}

export function nodePath(name: string): string {
  return `/api/v1/nodes/${name}`;
}

/** Changes single fields of a node, by a merge patch. Throws KubernetesError. */
export async function patchNode(name: string, patch: object, api: KubernetesApi): Promise<NodeObject> {
  return await api.request("PATCH", nodePath(name), { body: patch });
}

/** The strings of an annotation that holds a JSON object; undefined if it does not. */
export function readMap(text: string | undefined): Readonly<Record<string, string>> | undefined {
  const value = parseJson(text);
  if (!isFields(value)) return undefined;
  const entries = Object.entries(value).filter(([, one]) => typeof one === "string");
  return Object.fromEntries(entries) as Readonly<Record<string, string>>;
}

/** The strings of an annotation that holds a JSON list; undefined if it does not. */
export function readList(text: string | undefined): readonly string[] | undefined {
  const value = parseJson(text);
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : undefined;
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}
