import { parseAllDocuments } from "yaml";
import { isFields } from "../tools/fs/record.ts";
import type { KubernetesApi } from "../tools/kubernetes/kubernetes-api.ts";
import { KubernetesError } from "../tools/kubernetes/kubernetes-error.ts";
import { CommandError } from "../tools/text/errors.ts";

/** An object of Kubernetes, as in a manifest or as the API server has it. */
export interface KubernetesObject extends Readonly<Record<string, unknown>> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
}

export interface Metadata extends Readonly<Record<string, unknown>> {
  readonly name: string;
  /** Undefined: of the whole cluster. */
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The objects of a manifest, in its order. Throws CommandError for anything else in it. */
export function parseManifest(text: string, name: string): readonly KubernetesObject[] {
  return parseAllDocuments(text).flatMap((document) => {
    if (document.errors[0] !== undefined) {
      throw new CommandError(`Cannot read the manifest "${name}"`, { cause: document.errors[0] });
    }
    const object: unknown = document.toJS();
    return object === null ? [] : [checkObject(object, name)];
  });
}

function checkObject(value: unknown, name: string): KubernetesObject {
  const { apiVersion, kind, metadata } = isFields(value) ? value : {};
  const isNamed = isFields(metadata) && typeof metadata.name === "string";
  if (typeof apiVersion === "string" && typeof kind === "string" && isNamed) return value as KubernetesObject;
  throw new CommandError(`The manifest "${name}" holds something else than objects of Kubernetes`);
}

/** For messages: `Plan k3os-system/k3os-latest`. */
export function nameOf({ kind, metadata: { namespace, name } }: KubernetesObject): string {
  return `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}

/**
 * The path of the objects of that kind. All kinds that k3OS delivers have the regular plural, and a namespace unless
 * they are of the whole cluster. https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris
 */
export function collectionPath({ apiVersion, kind, metadata: { namespace } }: KubernetesObject): string {
  const group = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = namespace === undefined ? "" : `/namespaces/${namespace}`;
  return `${group}${scope}/${kind.toLowerCase()}s`;
}

export function objectPath(object: KubernetesObject): string {
  return `${collectionPath(object)}/${object.metadata.name}`;
}

/** Milliseconds for an answer: an API server that has just started is slow. */
const TIMEOUT = 15_000;

/** The object at a path; undefined if there is none. Throws KubernetesError. */
export async function readObject(path: string, api: KubernetesApi): Promise<KubernetesObject | undefined> {
  try {
    return await api.request<KubernetesObject>("GET", path, { timeout: TIMEOUT });
  } catch (error) {
    if (error instanceof KubernetesError && error.kind === "notFound") return undefined;
    throw error;
  }
}

/** Creates an object, or replaces the one with its `resourceVersion`. Throws KubernetesError, also for a conflict. */
export async function putObject(object: KubernetesObject, api: KubernetesApi): Promise<KubernetesObject> {
  return object.metadata.resourceVersion === undefined
    ? await api.request("POST", collectionPath(object), { body: object, timeout: TIMEOUT })
    : await api.request("PUT", objectPath(object), { body: object, timeout: TIMEOUT });
}
