import type { ApiRequest, Identity, KubernetesApi } from "../../lib/tools/kubernetes/kubernetes-api.ts";
import { KubernetesError, kindOfStatus } from "../../lib/tools/kubernetes/kubernetes-error.ts";

// biome-ignore lint/suspicious/noExplicitAny: tests look into objects of many kinds
type Stored = any;

/** A Kubernetes API of a test that keeps objects, as the real one does: with versions, conflicts and merge patches. */
export interface ObjectStore extends KubernetesApi {
  /** Each request as `METHOD PATH`. */
  readonly calls: readonly string[];
  /** By path. */
  readonly objects: ReadonlyMap<string, Stored>;
  /** Puts an object as somebody else would, and returns it. */
  put(path: string, object: object): Stored;
  /** Changes an object as `kubectl patch --type merge` does. */
  patch(path: string, patch: object): void;
  remove(path: string): void;
  /** Answers requests with that beginning by a status, until it is undefined again. */
  fail(beginning: string, status: number | undefined): void;
}

export function objectStore(identity: Identity = "admin"): ObjectStore {
  const calls: string[] = [];
  const objects = new Map<string, Stored>();
  const failures = new Map<string, number>();
  let version = 0;
  const put = (path: string, object: Stored) => {
    version += 1;
    const kept = structuredClone(object);
    const before = objects.get(path)?.metadata;
    kept.metadata = {
      creationTimestamp: new Date().toISOString(),
      ...kept.metadata,
      uid: before?.uid ?? kept.metadata.uid ?? `uid-${version}`,
      resourceVersion: String(version),
    };
    objects.set(path, kept);
    return kept;
  };
  const found = (path: string) => {
    const object = objects.get(path);
    if (object === undefined) throw failure(404, `${path} not found`);
    return object;
  };
  const answer = (method: string, path: string, { body, contentType }: ApiRequest): Stored => {
    const [plain = ""] = path.split("?");
    const sent: Stored = body;
    switch (method) {
      case "GET": {
        const members = [...objects].filter(([key]) => parentOf(key) === plain);
        const items = members.map(([, { apiVersion: _, kind: __, ...item }]) => item);
        if (objects.has(plain)) return structuredClone(objects.get(plain));
        if (!/s$/.test(plain) || /\/configmaps\/\S+s$/.test(plain)) throw failure(404, `${plain} not found`);
        return structuredClone({ items });
      }
      case "POST": {
        const created = `${plain}/${sent.metadata.name}`;
        if (objects.has(created)) throw failure(409, `${created} already exists`);
        return put(created, sent);
      }
      case "PUT":
        if (sent.metadata.resourceVersion !== found(plain).metadata.resourceVersion) {
          throw failure(409, `${plain} has been modified`);
        }
        return put(plain, sent);
      case "PATCH": {
        const target = plain.replace(/\/status$/, "");
        const live = found(target);
        const expected = sent.metadata?.resourceVersion;
        if (expected !== undefined && expected !== live.metadata.resourceVersion) {
          throw failure(409, `${target} has been modified`);
        }
        return put(target, mergePatch(live, sent, contentType?.includes("strategic") === true));
      }
      default:
        found(plain);
        objects.delete(plain);
        return { kind: "Status", status: "Success" };
    }
  };
  return {
    identity,
    server: undefined,
    calls,
    objects,
    put,
    patch: (path, patch) => put(path, mergePatch(found(path), patch, false)),
    remove: (path) => objects.delete(path),
    fail: (beginning, status) => {
      if (status === undefined) failures.delete(beginning);
      else failures.set(beginning, status);
    },
    request: async <T>(method: string, path: string, request: ApiRequest = {}) => {
      const call = `${method} ${path}`;
      calls.push(call);
      const status = [...failures].find(([beginning]) => call.startsWith(beginning))?.[1];
      if (status !== undefined) throw failure(status, `${call} fails`);
      return structuredClone(answer(method, path, request)) as T;
    },
  };
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

function failure(status: number, message: string): KubernetesError {
  return new KubernetesError(kindOfStatus(status), message, { status });
}

/** RFC 7386; `strategic`: conditions merge by their type. */
function mergePatch(live: Stored, patch: Stored, strategic: boolean): Stored {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const merged = { ...(typeof live === "object" && live !== null ? live : {}) };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else if (strategic && key === "conditions") {
      const others = (merged[key] ?? []).filter(({ type }: Stored) =>
        (value as Stored[]).every((one) => one.type !== type),
      );
      merged[key] = [...others, ...(value as Stored[])];
    } else merged[key] = mergePatch(merged[key], value, strategic);
  }
  return merged;
}
