import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { awaitReboot, inJob } from "../../../lib/operator/in-job.ts";
import { writeTrial } from "../../../lib/tools/generation/trial.ts";
import { readUpgradeJob, type UpgradeJob, writeUpgradeJob } from "../../../lib/tools/node/upgrade-job.ts";
import { type ApiServer, serveApi } from "../../support/api-server.ts";
import { makeAuthority } from "../../support/authority.ts";
import { type TestHost, testHost } from "../../support/host.ts";

const AUTHORITY = makeAuthority();
AUTHORITY.client("system:node:n"); // once, since that takes a while
const DESTINATION = { destination: "/host/k3os/system", isCheck: true };

/** The container of a job whose machine is at /host; the server says whether the node is cordoned. */
async function container(
  unschedulable: boolean,
  hash = "h",
  managedFields: readonly object[] = [],
): Promise<{ host: TestHost; server: ApiServer }> {
  const node = { metadata: { name: "n", managedFields }, spec: { unschedulable } };
  const server = await serveApi(() => node, AUTHORITY);
  const host = testHost({
    files: {
      "/host/var/lib/rancher/k3s/agent/kubelet.kubeconfig": server.kubeconfig("system:node:n"),
      "/dev/termination-log": "",
    },
    env: {
      ...{ SYSTEM_UPGRADE_PLAN_NAME: "k3os-latest", SYSTEM_UPGRADE_PLAN_LATEST_HASH: hash },
      ...{ SYSTEM_UPGRADE_PLAN_LATEST_VERSION: "v2", SYSTEM_UPGRADE_NODE_NAME: "n" },
    },
  });
  return { host, server };
}

const jobOf = (host: TestHost) => readUpgradeJob({ root: `${host.root}/host` });

describe("inJob()", () => {
  test.each([true, false])("notes that the node was cordoned before: %p", async (cordoned) => {
    const { host, server } = await container(cordoned);
    await using _server = server;
    using _host = host;
    expect(await inJob(DESTINATION, async () => 7, host)).toBe(7);
    expect(jobOf(host)).toMatchObject({ plan: "k3os-latest", version: "v2", wasCordoned: cordoned });
    expect(server.calls.map(({ user, path }) => [user, path])).toEqual([
      ["system:node:n", "/api/v1/nodes/n"],
    ]);
  });

  test.each([
    [-60, true],
    [60, false],
  ])(
    "of a node that was cordoned %p s after the pod's start notes that it was before: %p",
    async (s, was) => {
      const time = new Date(Date.now() + s * 1000).toISOString();
      const managedFields = [{ manager: "kubectl", time, fieldsV1: { "f:spec": { "f:unschedulable": {} } } }];
      const { host, server } = await container(true, "h", managedFields);
      await using _server = server;
      using _host = host;
      mkdirSync(`${host.root}/run/system-upgrade/pod`, { recursive: true });
      await inJob(DESTINATION, async () => undefined, host);
      expect(jobOf(host)?.wasCordoned).toBe(was);
    },
  );

  test("keeps what it noted through the tries of a job, and until the next one is settled", async () => {
    const { host, server } = await container(true);
    await using _server = server;
    using _host = host;
    const since = "2026-01-01T00:00:00.000Z";
    const first = { plan: "k3os-latest", version: "v2", since, wasCordoned: false };
    writeUpgradeJob({ ...first, hash: "h" }, { root: `${host.root}/host` });
    await inJob(DESTINATION, async () => undefined, host);
    expect(jobOf(host)).toMatchObject({ since, wasCordoned: false });
    writeUpgradeJob({ ...first, hash: "another" }, { root: `${host.root}/host` });
    await inJob(DESTINATION, async () => undefined, host);
    expect(jobOf(host)).toMatchObject({ hash: "h", wasCordoned: false });
    writeUpgradeJob({ ...first, hash: "h", settled: since }, { root: `${host.root}/host` });
    await inJob(DESTINATION, async () => undefined, host);
    expect(jobOf(host)).toMatchObject({ hash: "h", wasCordoned: true });
  });

  test("notes that an upgrade is done, which a check is not", async () => {
    const { host, server } = await container(false);
    await using _server = server;
    using _host = host;
    await inJob(DESTINATION, async () => undefined, host);
    expect(jobOf(host)?.done).toBeUndefined();
    writeUpgradeJob(
      { ...(jobOf(host) as UpgradeJob), failure: { at: "x", reason: "y" } },
      { root: `${host.root}/host` },
    );
    await inJob({ ...DESTINATION, isCheck: false }, async () => undefined, host);
    expect([jobOf(host)?.done === undefined, jobOf(host)?.failure]).toEqual([false, undefined]);
  });

  test("keeps the reason of a failure for the machine and for Kubernetes", async () => {
    const { host, server } = await container(false);
    await using _server = server;
    using _host = host;
    const failing = inJob(DESTINATION, () => Promise.reject(new Error("no room")), host);
    await expect(failing).rejects.toThrow("no room");
    expect(jobOf(host)?.failure?.reason).toBe("no room");
    expect(readFileSync(`${host.root}/dev/termination-log`, "utf8")).toBe("no room");
  });

  test("waits for the verdict on versions that are on trial", async () => {
    const { host, server } = await container(false);
    await using _server = server;
    using _host = host;
    const system = `${host.root}/host/k3os/system`;
    mkdirSync(system, { recursive: true });
    writeTrial(system, {
      ...{ state: "trial", kind: "upgrade", since: "", parts: [], started: true, left: 1, keep: 0 },
      ...{ tolerated: [], keepData: false, reason: undefined },
    });
    let looks = 0;
    const sleep = async () => {
      looks += 1;
      if (looks === 3) rmSync(`${system}/trial.json`);
    };
    const clock = { ...host.clock, sleep };
    const there = { destination: system, isCheck: false };
    expect(await inJob(there, async () => looks, { ...host, root: "/", clock })).toBe(3);
  });

  test("goes on where the node cannot be asked, and then does not say who cordoned it", async () => {
    const { host, server } = await container(false);
    await server[Symbol.asyncDispose]();
    using _host = host;
    expect(await inJob(DESTINATION, async () => 7, host)).toBe(7);
    expect(jobOf(host)).not.toHaveProperty("wasCordoned");
  });

  test("only runs what it is given outside of a job", async () => {
    using host = testHost();
    expect(await inJob(DESTINATION, async () => 7, host)).toBe(7);
    expect(jobOf(host)).toBeUndefined();
  });
});

test("awaitReboot() does not end a job before the machine does", async () => {
  const { host, server } = await container(false);
  await using _server = server;
  using _host = host;
  await expect(awaitReboot(host)).rejects.toThrow("has not rebooted within 15 minutes");
  using other = testHost();
  await awaitReboot(other);
});
