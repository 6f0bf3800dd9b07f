import { describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { CONDITION, tellFailure } from "../../../lib/operator/tell-failure.ts";
import { type TestHost, testHost } from "../../support/host.ts";
import { type ObjectStore, objectStore } from "../../support/object-store.ts";

const NODE = "/api/v1/nodes/n";
const READY = { type: "Ready", status: "True" };

function failedNode(): { host: TestHost; store: ObjectStore } {
  const failure = { versions: { k3os: "v2" }, reason: "k3s did not start", at: "2026-01-01T00:00:00.000Z" };
  const host = testHost({ files: { "/k3os/system/quarantine.json": JSON.stringify([failure]) } });
  run("v1", host);
  const store = objectStore("kubelet");
  store.put(NODE, { metadata: { name: "n" }, status: { conditions: [READY] } });
  return { host, store };
}

function run(version: string, host: TestHost): void {
  const directory = join(host.root, "k3os/system/k3os");
  mkdirSync(join(directory, version), { recursive: true });
  rmSync(join(directory, "current"), { force: true });
  symlinkSync(version, join(directory, "current"));
}

async function tell(host: TestHost, store: ObjectStore) {
  await tellFailure(store.objects.get(NODE), store, host);
  const conditions = store.objects.get(NODE).status.conditions;
  const events = [...store.objects.values()].filter(({ kind }) => kind === "Event");
  return { conditions, events };
}

describe("tellFailure()", () => {
  test("says once what was taken back and why, beside the other conditions", async () => {
    const { host, store } = failedNode();
    using _host = host;
    const message = "k3os v2 failed on 2026-01-01T00:00:00.000Z: k3s did not start. Running: k3os v1";
    const { conditions, events } = await tell(host, store);
    expect(conditions).toMatchObject([
      READY,
      { type: CONDITION, status: "True", reason: "TakenBack", message },
    ]);
    expect(events).toMatchObject([
      { type: "Warning", reason: "UpgradeTakenBack", message, involvedObject: { kind: "Node", name: "n" } },
    ]);
    const calls = store.calls.length;
    expect((await tell(host, store)).events).toHaveLength(1);
    expect(store.calls).toHaveLength(calls);
  });

  test("says that it is past once other versions run", async () => {
    const { host, store } = failedNode();
    using _host = host;
    await tell(host, store);
    run("v3", host);
    const { conditions, events } = await tell(host, store);
    expect(conditions[1]).toMatchObject({ status: "False", reason: "Upgraded", message: "Running: k3os v3" });
    expect(events).toHaveLength(1);
  });

  test("says it again where the node has joined anew, without another event", async () => {
    const { host, store } = failedNode();
    using _host = host;
    await tell(host, store);
    store.patch(NODE, { status: { conditions: [READY] } });
    const { conditions, events } = await tell(host, store);
    expect([conditions.length, events.length]).toEqual([2, 1]);
  });

  test("says nothing of a node where nothing failed", async () => {
    using host = testHost();
    const store = objectStore("kubelet");
    store.put(NODE, { metadata: { name: "n" }, status: { conditions: [READY] } });
    expect(await tell(host, store)).toEqual({ conditions: [READY], events: [] });
    expect(store.calls).toEqual([]);
  });

  test("is not told until both are written", async () => {
    const { host, store } = failedNode();
    using _host = host;
    store.fail("POST", 503);
    await expect(tell(host, store)).rejects.toThrow();
    store.fail("POST", undefined);
    expect((await tell(host, store)).events).toHaveLength(1);
  });
});
