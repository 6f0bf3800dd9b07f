import { isFields } from "../tools/fs/record.ts";
import type { KubernetesApi } from "../tools/kubernetes/kubernetes-api.ts";
import { type KubernetesObject, objectPath, putObject, readObject } from "./kubernetes-object.ts";

/** What was delivered of one manifest. */
export interface DeliveredFile {
  /** Of its content. */
  readonly digest: string;
  /** As they were sent, under {@link objectPath}. Those that a person removed since stay in it. */
  readonly objects: Readonly<Record<string, KubernetesObject>>;
}

/**
 * What k3OS has delivered to the cluster last. It is in the cluster, not on a node: a server that joins must not undo
 * what a person changed, nor one of an older release what a newer one delivered.
 */
export interface Delivery {
  /** The release that delivered. */
  readonly version: string | undefined;
  /** By the manifest's path below the directory of the manifests. */
  readonly files: Readonly<Record<string, DeliveredFile>>;
  /** The object that holds this record; undefined if there is none yet. */
  readonly holder: KubernetesObject | undefined;
}

/** Not in the namespace of what is delivered: who deletes that does not want it back. */
const HOLDER: KubernetesObject = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "k3os-manifests", namespace: "kube-system" },
};

/** Throws KubernetesError. An entry that is not ours, or damaged, counts as missing. */
export async function readDelivery(api: KubernetesApi): Promise<Delivery> {
  const holder = await readObject(objectPath(HOLDER), api);
  const data = isFields(holder?.data) ? holder.data : {};
  const files = Object.values(data).flatMap((text): [string, DeliveredFile][] => {
    const entry = parse(text);
    return entry === undefined ? [] : [[entry.path, { digest: entry.digest, objects: entry.objects }]];
  });
  const version = typeof data.version === "string" ? data.version : undefined;
  return { version, files: Object.fromEntries(files), holder };
}

/** Throws KubernetesError, also if another server has written it meanwhile. */
export async function writeDelivery({ version, files, holder }: Delivery, api: KubernetesApi): Promise<void> {
  const entries = Object.entries(files).map(([path, file]) => {
    return [path.replaceAll("/", "_"), JSON.stringify({ path, ...file })];
  });
  await putObject({ ...(holder ?? HOLDER), data: { version, ...Object.fromEntries(entries) } }, api);
}

function parse(text: unknown): ({ readonly path: string } & DeliveredFile) | undefined {
  try {
    const entry: unknown = JSON.parse(String(text));
    const { path, digest, objects } = isFields(entry) ? entry : {};
    if (typeof path !== "string" || typeof digest !== "string" || !isFields(objects)) return undefined;
    return { path, digest, objects: objects as DeliveredFile["objects"] };
  } catch {
    return undefined; // the version, which is no JSON
  }
}
