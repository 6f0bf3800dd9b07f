import { describe, expect, test } from "bun:test";
import { followTaints } from "../../../lib/operator/follow-taints.ts";
import { testHost } from "../../support/host.ts";
import { type ObjectStore, objectStore } from "../../support/object-store.ts";

const OLD = "2020-01-01T00:00:00Z";

interface Paged {
  readonly items: readonly object[];
}

interface Facts {
  readonly wanted?: readonly string[];
  readonly taints?: readonly object[];
  /** Default: it has just joined. */
  readonly since?: string;
  readonly uid?: string;
}

function node(name: string, { wanted, taints, since, uid }: Facts, store: ObjectStore): void {
  const annotations = wanted && { annotations: { "k3os.io/wanted-taints": JSON.stringify(wanted) } };
  const joined = { ...(since && { creationTimestamp: since }), ...(uid && { uid }) };
  store.put(`/api/v1/nodes/${name}`, {
    metadata: { name, ...annotations, ...joined },
    spec: taints === undefined ? {} : { taints },
  });
}

function want(name: string, wanted: readonly string[], store: ObjectStore): void {
  const annotations = { "k3os.io/wanted-taints": JSON.stringify(wanted) };
  store.patch(`/api/v1/nodes/${name}`, { metadata: { annotations } });
}

const taintsOf = (name: string, store: ObjectStore) => store.objects.get(`/api/v1/nodes/${name}`).spec.taints;

async function follow(store: ObjectStore): Promise<string[]> {
  using host = testHost();
  await followTaints("server", store, host);
  return [...host.logged];
}

describe("followTaints()", () => {
  test("adds, changes and removes the taints of a node, and no others", async () => {
    const store = objectStore();
    const foreign = { key: "mine", effect: "NoExecute" };
    node("a", { wanted: ["k=1:NoSchedule"], taints: [foreign] }, store);
    await follow(store);
    expect(taintsOf("a", store)).toEqual([foreign, { key: "k", value: "1", effect: "NoSchedule" }]);
    want("a", ["k=2:NoSchedule"], store);
    await follow(store);
    expect(taintsOf("a", store)).toEqual([foreign, { key: "k", value: "2", effect: "NoSchedule" }]);
    want("a", [], store);
    await follow(store);
    expect(taintsOf("a", store)).toEqual([foreign]);
    const { annotations } = store.objects.get("/api/v1/nodes/a").metadata;
    expect(annotations["k3os.io/managed-taints"]).toBe("[]");
  });

  test("writes nothing where nothing changes", async () => {
    const store = objectStore();
    node("a", { wanted: ["k:NoSchedule"] }, store);
    node("b", { since: OLD }, store);
    await follow(store);
    const before = store.calls.length;
    await follow(store);
    expect(store.calls.slice(before).filter((call) => !call.startsWith("GET"))).toEqual([]);
  });

  test("removes those of the registration when the configuration drops them", async () => {
    const store = objectStore();
    node("a", { wanted: ["k:NoSchedule"], taints: [{ key: "k", effect: "NoSchedule" }] }, store);
    await follow(store);
    want("a", [], store);
    await follow(store);
    expect(taintsOf("a", store)).toEqual([]);
  });

  test("does not remove a taint for a node that claims it later", async () => {
    const quarantine = { key: "quarantine", effect: "NoExecute" };
    for (const since of [OLD, undefined]) {
      const store = objectStore();
      node("a", { taints: [quarantine], ...(since ? { since } : { wanted: [] }) }, store);
      await follow(store);
      want("a", ["quarantine:NoExecute"], store);
      await follow(store);
      want("a", [], store);
      await follow(store);
      expect(taintsOf("a", store)).toEqual([quarantine]);
    }
  });

  test("does not change the value of a taint that it did not set", async () => {
    const store = objectStore();
    const foreign = { key: "dedicated", value: "db", effect: "NoSchedule" };
    node("a", { wanted: ["dedicated=web:NoSchedule"], taints: [foreign], since: OLD }, store);
    const logged = await follow(store);
    expect(taintsOf("a", store)).toEqual([foreign]);
    expect(logged.join("\n")).toContain("which k3OS did not set");
  });

  test.each([
    ["node.kubernetes.io/unreachable:NoExecute", false],
    ["kubernetes.io/x:NoSchedule", false],
    ["node-role.kubernetes.io/control-plane:NoSchedule", true],
    ["example.com/x=y:PreferNoSchedule", true],
    ["example.com/x=y:Never", false],
    ["a b:NoSchedule", false],
  ])("of a node that wants %p sets it: %p", async (text, isSet) => {
    const store = objectStore();
    node("a", { wanted: [text] }, store);
    await follow(store);
    expect(taintsOf("a", store)?.length ?? 0).toBe(isSet ? 1 : 0);
  });

  test("forgets nodes that are gone, and what was set before a node joined anew", async () => {
    const store = objectStore();
    node("a", { wanted: ["k:NoSchedule"] }, store);
    node("b", { wanted: ["k:NoSchedule"] }, store);
    await follow(store);
    store.remove("/api/v1/nodes/b");
    store.remove("/api/v1/nodes/a");
    const foreign = { key: "k", effect: "NoSchedule" };
    node("a", { wanted: [], taints: [foreign], uid: "another" }, store);
    await follow(store);
    expect(taintsOf("a", store)).toEqual([foreign]);
    const record = store.objects.get("/api/v1/namespaces/kube-system/configmaps/k3os-node-taints");
    expect(record.data).toEqual({ a: '{"uid":"another","taints":[]}' });
  });

  test("reaches the nodes of a cluster that come in several answers", async () => {
    const store = objectStore();
    for (const name of ["a", "b"]) node(name, { wanted: ["k:NoSchedule"] }, store);
    const paged: ObjectStore = {
      ...store,
      request: async (method, path, options) => {
        const answer = await store.request<Paged>(method, path, options);
        if (!path.startsWith("/api/v1/nodes?")) return answer as never;
        const [first, ...rest] = answer.items;
        if (path.includes("continue=more")) return { items: rest } as never;
        return { items: [first], metadata: { continue: "more" } } as never;
      },
    };
    await follow(paged);
    expect(["a", "b"].map((name) => taintsOf(name, store)?.length)).toEqual([1, 1]);
  });

  test("goes on with the next node after a conflict, and finishes the next time", async () => {
    const store = objectStore();
    for (const name of ["a", "b"]) node(name, { wanted: ["k:NoSchedule"] }, store);
    store.fail("PATCH /api/v1/nodes/a", 409);
    const logged = await follow(store);
    expect(logged.join("\n")).toContain("The taints of a are left for the next time");
    expect([taintsOf("a", store), taintsOf("b", store)?.length]).toEqual([undefined, 1]);
    store.fail("PATCH /api/v1/nodes/a", undefined);
    await follow(store);
    expect(taintsOf("a", store)).toHaveLength(1);
    want("a", [], store);
    await follow(store);
    expect(taintsOf("a", store)).toEqual([]);
  });
});
