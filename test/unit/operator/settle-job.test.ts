import { describe, expect, test } from "bun:test";
import { settleJob } from "../../../lib/operator/settle-job.ts";
import { readUpgradeJob, type UpgradeJob, writeUpgradeJob } from "../../../lib/tools/node/upgrade-job.ts";
import { type TestHost, testHost } from "../../support/host.ts";
import { type ObjectStore, objectStore } from "../../support/object-store.ts";

const NODE = "/api/v1/nodes/n";
const POD = "/api/v1/pods/p";
const JOB: UpgradeJob = {
  ...{ plan: "k3os-latest", version: "v2.0.0", hash: "h" },
  ...{ since: "2026-01-01T00:00:00.000Z", wasCordoned: false },
};

interface Facts {
  readonly job?: Partial<UpgradeJob>;
  readonly running?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly pod?: object;
}

/** A cordoned node in the middle of a job. */
function midway({ job, running = "v1.0.0", files, pod }: Facts): { host: TestHost; store: ObjectStore } {
  const release = { "/usr/lib/os-release": `ID=k3os\nVERSION_ID=${running}\n` };
  const host = testHost({ files: { ...release, ...files } });
  writeUpgradeJob({ ...JOB, ...job }, host);
  const store = objectStore("kubelet");
  store.put(NODE, { metadata: { name: "n" }, spec: { unschedulable: true } });
  if (pod !== undefined) store.put(POD, { metadata: { name: "p" }, ...pod });
  return { host, store };
}

async function settle(
  host: TestHost,
  store: ObjectStore,
): Promise<{ isCordoned: boolean; job?: UpgradeJob }> {
  await settleJob(store.objects.get(NODE), store, host);
  const job = readUpgradeJob(host);
  return { isCordoned: store.objects.get(NODE).spec.unschedulable === true, ...(job && { job }) };
}

const QUARANTINE = {
  "/k3os/system/quarantine.json": JSON.stringify([
    { versions: { k3os: "v2.0.0" }, reason: "k3s did not start", at: "1970-01-01T00:01:00.000Z" },
  ]),
};
const TRIAL = JSON.stringify({
  ...{ state: "trial", kind: "upgrade", since: "2026-01-01T00:00:00Z", started: true },
  parts: [{ component: "k3os", from: "v1.0.0", to: "v2.0.0" }],
});

describe("settleJob()", () => {
  test("uncordons a node whose new version is kept", async () => {
    const { host, store } = midway({ running: "v2.0.0", job: { failure: { at: "x", reason: "first try" } } });
    using _host = host;
    const { isCordoned, job } = await settle(host, store);
    expect([isCordoned, job?.settled === undefined, job?.failure]).toEqual([false, false, undefined]);
    const calls = store.calls.length;
    store.patch(NODE, { spec: { unschedulable: true } }); // by a person, later
    expect((await settle(host, store)).isCordoned).toBe(true);
    expect(store.calls).toHaveLength(calls);
  });

  test("takes the job's own word for an image whose tag is no version", async () => {
    const { host, store } = midway({ job: { version: "stable", done: "2026-01-01T01:00:00.000Z" } });
    using _host = host;
    const { isCordoned, job } = await settle(host, store);
    expect([isCordoned, job?.failure]).toEqual([false, undefined]);
  });

  test("uncordons a node whose new version was taken back, whatever its clock said, and keeps the reason", async () => {
    const { host, store } = midway({ files: QUARANTINE });
    using _host = host;
    const { isCordoned, job } = await settle(host, store);
    expect([isCordoned, job?.failure?.reason]).toEqual([false, "k3s did not start"]);
  });

  test.each([true, undefined])("leaves a node cordoned that was so before: %p", async (wasCordoned) => {
    const { host, store } = midway({ running: "v2.0.0" });
    store.patch(NODE, { metadata: { labels: { "plan.upgrade.cattle.io/k3os-latest": "h" } } });
    using _host = host;
    const { wasCordoned: _, ...open } = JOB;
    writeUpgradeJob(wasCordoned === undefined ? open : { ...open, wasCordoned }, host);
    const { isCordoned, job } = await settle(host, store);
    expect([isCordoned, job?.settled === undefined]).toEqual([true, false]);
  });

  test("cordons a node again that was so before, once the controller has uncordoned it", async () => {
    const { host, store } = midway({ running: "v2.0.0", job: { wasCordoned: true } });
    using _host = host;
    const early = await settle(host, store);
    expect([early.isCordoned, early.job?.settled]).toEqual([true, undefined]);
    const labels = { "plan.upgrade.cattle.io/k3os-latest": "h" };
    store.patch(NODE, { metadata: { labels }, spec: { unschedulable: null } });
    const { isCordoned, job } = await settle(host, store);
    expect([isCordoned, job?.settled === undefined]).toEqual([true, false]);
    store.patch(NODE, { spec: { unschedulable: null } }); // by a person, later
    expect((await settle(host, store)).isCordoned).toBe(false);
  });

  test("does not wait for ever for the controller to note that the job is done", async () => {
    const { host, store } = midway({ running: "v2.0.0", job: { wasCordoned: true } });
    using _host = host;
    await settle(host, store);
    await host.clock.sleep(200_000);
    const { isCordoned, job } = await settle(host, store);
    expect([isCordoned, job?.settled === undefined]).toEqual([true, false]);
  });

  test("leaves a node as it is that a person uncordoned after a failure", async () => {
    const { host, store } = midway({ files: QUARANTINE, job: { wasCordoned: true } });
    using _host = host;
    store.patch(NODE, { spec: { unschedulable: null } });
    expect((await settle(host, store)).isCordoned).toBe(false);
  });

  test("waits while the version is on trial", async () => {
    const { host, store } = midway({ running: "v2.0.0", files: { "/k3os/system/trial.json": TRIAL } });
    using _host = host;
    expect(await settle(host, store)).toEqual({ isCordoned: true, job: JOB });
    expect(store.calls).toEqual([]);
  });

  test.each([
    [{ status: { phase: "Running" } }, true],
    [{ status: { phase: "Pending" } }, true],
    [{ status: { phase: "Failed" } }, false],
    [{ status: { phase: "Succeeded" } }, false],
    [{ metadata: { name: "p", deletionTimestamp: "x" }, status: { phase: "Running" } }, false],
  ])("with the pod %j waits: %p", async (pod, waits) => {
    const { host, store } = midway({ running: "v2.0.0", pod });
    using _host = host;
    expect((await settle(host, store)).isCordoned).toBe(waits);
  });

  test("uncordons a node whose job ended before anything was changed, after a while without pods", async () => {
    const { host, store } = midway({ pod: { status: { phase: "Running" } } });
    using _host = host;
    await settle(host, store);
    store.remove(POD);
    expect((await settle(host, store)).isCordoned).toBe(true);
    await host.clock.sleep(100_000);
    expect((await settle(host, store)).isCordoned).toBe(true);
    store.put(POD, { metadata: { name: "p" }, status: { phase: "Running" } }); // the next try
    await settle(host, store);
    store.remove(POD);
    await host.clock.sleep(100_000);
    expect((await settle(host, store)).isCordoned).toBe(true);
    await host.clock.sleep(200_000);
    const { isCordoned, job } = await settle(host, store);
    expect(isCordoned).toBe(false);
    expect(job?.failure?.reason).toContain("describe plan k3os-latest");
  });

  test("is not settled while the node cannot be written", async () => {
    const { host, store } = midway({ running: "v2.0.0" });
    using _host = host;
    store.fail("PATCH", 503);
    await expect(settle(host, store)).rejects.toThrow();
    store.fail("PATCH", undefined);
    expect((await settle(host, store)).isCordoned).toBe(false);
  });

  test("does nothing on a node that no Plan was on", async () => {
    using host = testHost();
    const store = objectStore("kubelet");
    const node = store.put(NODE, { metadata: { name: "n" }, spec: { unschedulable: true } });
    await settleJob(node, store, host);
    expect(store.calls).toEqual([]);
  });
});
