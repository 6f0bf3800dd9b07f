import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { deliverManifests } from "../../../lib/operator/deliver-manifests.ts";
import {
  collectionPath,
  type KubernetesObject,
  objectPath,
  parseManifest,
} from "../../../lib/operator/kubernetes-object.ts";
import { KubernetesError } from "../../../lib/tools/kubernetes/kubernetes-error.ts";
import { testHost } from "../../support/host.ts";
import { type ObjectStore, objectStore } from "../../support/object-store.ts";

const PLAN = "/apis/upgrade.cattle.io/v1/namespaces/k3os-system/plans/p";
const RECORD = "/api/v1/namespaces/kube-system/configmaps/k3os-manifests";

function plan(spec: object, name = "p"): string {
  return JSON.stringify({
    apiVersion: "upgrade.cattle.io/v1",
    kind: "Plan",
    metadata: { name, namespace: "k3os-system" },
    spec,
  });
}

/** A server of a release delivers these documents. */
async function deliver(version: string, store: ObjectStore, ...documents: string[]): Promise<string[]> {
  using host = testHost({ files: { "/usr/lib/os-release": `ID=k3os\nVERSION_ID=${version}\n` } });
  await deliverManifests([{ path: "a/b.yaml", text: documents.join("\n---\n") }], store, host);
  return [...host.logged];
}

describe("deliverManifests()", () => {
  test("creates what is not there, and does nothing the second time but look", async () => {
    const store = objectStore();
    await deliver("v1.0.0", store, plan({ channel: "c" }));
    expect(store.objects.get(PLAN).spec).toEqual({ channel: "c" });
    const before = store.calls.length;
    await deliver("v1.0.0", store, plan({ channel: "c" }));
    expect(store.calls.slice(before)).toEqual([`GET ${RECORD}`]);
  });

  test("keeps what a person changed over starts and releases, and brings the rest", async () => {
    const store = objectStore();
    await deliver("v1.0.0", store, plan({ channel: "c", concurrency: 1 }));
    store.patch(PLAN, { spec: { channel: null, version: "v9" } });
    await deliver("v1.0.0", store, plan({ channel: "c", concurrency: 1 }));
    expect(store.objects.get(PLAN).spec).toEqual({ version: "v9", concurrency: 1 });
    await deliver("v1.0.1", store, plan({ channel: "d", concurrency: 2, drain: {} }));
    expect(store.objects.get(PLAN).spec).toEqual({ version: "v9", concurrency: 2, drain: {} });
    await deliver("v1.0.2", store, plan({ channel: "e", concurrency: 3 }));
    expect(store.objects.get(PLAN).spec).toEqual({ version: "v9", concurrency: 3 });
  });

  test("keeps what a person removed, until the record is removed too", async () => {
    const store = objectStore();
    await deliver("v1.0.0", store, plan({ channel: "c" }));
    store.remove(PLAN);
    await deliver("v1.0.1", store, plan({ channel: "d" }));
    expect(store.objects.has(PLAN)).toBe(false);
    store.remove(RECORD);
    await deliver("v1.0.1", store, plan({ channel: "d" }));
    expect(store.objects.get(PLAN).spec).toEqual({ channel: "d" });
  });

  test("withdraws what a release has no longer, unless a person changed it", async () => {
    const store = objectStore();
    await deliver("v1.0.0", store, plan({ n: 1 }), plan({ n: 1 }, "q"), plan({ n: 1 }, "r"));
    store.patch(PLAN.replace(/p$/, "r"), { spec: { n: 2 } });
    await deliver("v1.0.1", store, plan({ n: 1 }));
    const names = [...store.objects.values()].filter(({ kind }) => kind === "Plan");
    expect(names.map(({ metadata }) => metadata.name)).toEqual(["p", "r"]);
  });

  test("of an older release leaves all to the newest", async () => {
    const store = objectStore();
    await deliver("v0.36.3-k3s1r10", store, plan({ n: 10 }));
    await deliver("v0.36.3-k3s1r9", store, plan({ n: 9 }));
    expect(store.objects.get(PLAN).spec).toEqual({ n: 10 });
  });

  test("knows what k3s itself applied before from what a person changed since", async () => {
    const store = objectStore();
    const applied = gzipSync(plan({ channel: "c", n: 1 }))
      .toString("base64")
      .replace(/=+$/, "");
    const [object] = parseManifest(plan({ version: "v9", n: 1 }), "x");
    store.put(PLAN, {
      ...object,
      metadata: {
        ...object?.metadata,
        labels: { "objectset.rio.cattle.io/hash": "h" },
        annotations: { "objectset.rio.cattle.io/applied": applied, mine: "yes" },
      },
    });
    await deliver("v1.0.0", store, plan({ channel: "c", n: 2 }));
    const { spec, metadata } = store.objects.get(PLAN);
    expect(spec).toEqual({ version: "v9", n: 2 });
    expect([metadata.labels, metadata.annotations]).toEqual([undefined, { mine: "yes" }]);
  });

  test("removes what k3s applied from a manifest of that name, and nobody changed since", async () => {
    const store = objectStore();
    const owned = (name: string, addon: string, spec: object) => {
      const [object] = parseManifest(plan({ n: 1 }, name), "x");
      const annotations = {
        "objectset.rio.cattle.io/applied": plan({ n: 1 }, name),
        "objectset.rio.cattle.io/owner-gvk": "k3s.cattle.io/v1, Kind=Addon",
        "objectset.rio.cattle.io/owner-name": addon,
      };
      store.put(PLAN.replace(/p$/, name), {
        ...object,
        metadata: { ...object?.metadata, annotations },
        spec,
      });
    };
    owned("old", "b", { n: 1 });
    owned("changed", "b", { n: 2 });
    owned("other", "c", { n: 1 });
    await deliver("v1.0.0", store, plan({ n: 1 }));
    const names = [...store.objects.keys()].filter((path) => path.includes("/plans/"));
    expect(names.map((path) => path.replace(/.*\//, "")).toSorted()).toEqual(["changed", "other", "p"]);
  });

  test("names what failed, and tries that again", async () => {
    const store = objectStore();
    store.fail("POST /apis/upgrade.cattle.io", 403);
    const failing = deliver("v1.0.0", store, plan({ n: 1 }));
    await expect(failing).rejects.toThrow("Plan k3os-system/p: POST");
    store.fail("POST /apis/upgrade.cattle.io", undefined);
    await deliver("v1.0.0", store, plan({ n: 1 }));
    expect(store.objects.get(PLAN).spec).toEqual({ n: 1 });
  });

  test("brings and records the rest when a list of objects fails, and asks for that again", async () => {
    const store = objectStore();
    using host = testHost({ files: { "/usr/lib/os-release": "ID=k3os\nVERSION_ID=v1.0.0\n" } });
    const list = collectionPath(parseManifest(plan({}), "x")[0] as KubernetesObject);
    let isSlow = true;
    const slow: ObjectStore = {
      ...store,
      request: async (method, path, options) => {
        if (isSlow && path === list && method === "GET") throw new KubernetesError("refused", "too slow");
        return await store.request(method, path, options);
      },
    };
    const manifests = ["p", "q"].map((name) => ({ path: `${name}.yaml`, text: plan({ n: 1 }, name) }));
    await expect(deliverManifests(manifests, slow, host)).rejects.toThrow(`Not delivered: ${list}: too slow`);
    expect([...store.objects.keys()].filter((path) => path.startsWith(list))).toHaveLength(2);
    store.remove(PLAN);
    isSlow = false;
    await deliverManifests(manifests, slow, host);
    expect(store.objects.has(PLAN)).toBe(false); // what a person removed meanwhile stays away
    const before = store.calls.length;
    await deliverManifests(manifests, slow, host);
    expect(store.calls.slice(before)).toEqual([`GET ${RECORD}`]);
  });

  test("waits for a kind that is served a moment later", async () => {
    const store = objectStore();
    store.fail("POST /apis/upgrade.cattle.io", 404);
    const request = store.request;
    const late: ObjectStore = {
      ...store,
      request: (method, path, options) => {
        const tries = store.calls.filter((call) => call.startsWith("POST /apis/upgrade.cattle.io"));
        if (tries.length === 3) store.fail("POST /apis/upgrade.cattle.io", undefined);
        return request(method, path, options);
      },
    };
    await deliver("v1.0.0", late, plan({ n: 1 }));
    expect(store.objects.get(PLAN).spec).toEqual({ n: 1 });
  });
});

test("objectPath() is that of the API for all kinds that k3OS delivers", () => {
  const path = (apiVersion: string, kind: string, namespace?: string) =>
    objectPath({ apiVersion, kind, metadata: { name: "x", ...(namespace && { namespace }) } });
  expect(path("v1", "Namespace")).toBe("/api/v1/namespaces/x");
  expect(path("apps/v1", "Deployment", "n")).toBe("/apis/apps/v1/namespaces/n/deployments/x");
  expect(path("rbac.authorization.k8s.io/v1", "ClusterRole")).toBe(
    "/apis/rbac.authorization.k8s.io/v1/clusterroles/x",
  );
});
