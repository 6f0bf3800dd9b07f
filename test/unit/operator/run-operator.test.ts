import { describe, expect, test } from "bun:test";
import { runOperator } from "../../../lib/operator/run-operator.ts";
import { SKIP_TEXT } from "../../../lib/tools/node/manifest-skip.ts";
import { type ApiServer, serveApi } from "../../support/api-server.ts";
import { makeAuthority } from "../../support/authority.ts";
import { type TestHost, testHost } from "../../support/host.ts";
import { type ObjectStore, objectStore } from "../../support/object-store.ts";

const AUTHORITY = makeAuthority();
for (const user of ["system:admin", "system:node:n"]) AUTHORITY.client(user); // once, since that takes a while
const MANIFEST = JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata: { name: "x" } });
const NODE = "/api/v1/nodes/n";

/** A node with its API server, both complete but for the programs. */
async function node(
  role: "server" | "agent",
  store: ObjectStore,
): Promise<{ host: TestHost; server: ApiServer }> {
  const server = await serveApi(async ({ method, path, body, contentType }) => {
    if (path === "/version") return {};
    try {
      const options = { body, ...(contentType && { contentType }) };
      return (await store.request(method as "GET", path, options)) as object;
    } catch (error) {
      return [(error as { status?: number }).status ?? 500, { message: String(error) }] as const;
    }
  }, AUTHORITY);
  const admin = role === "server" ? { "/etc/rancher/k3s/k3s.yaml": server.kubeconfig("system:admin") } : {};
  const host = testHost({
    files: {
      ...admin,
      "/etc/systemd/system/k3s-service.service": `ExecStart=/sbin/k3s ${role}\n`,
      "/var/lib/rancher/k3s/agent/kubelet.kubeconfig": server.kubeconfig("system:node:n"),
      "/usr/lib/os-release": "ID=k3os\nVERSION_ID=v1.0.0\n",
      "/run/k3os/mode": "local\n",
      "/usr/share/rancher/k3s/server/manifests/a.yaml": MANIFEST,
      "/var/lib/rancher/k3s/server/manifests/a.yaml": MANIFEST,
      "/var/lib/rancher/k3s/server/manifests/a.yaml.skip": SKIP_TEXT,
      "/var/lib/rancher/k3os/config.yaml":
        "k3os: {labels: {tier: web}, taints: ['k=v:NoSchedule,l:NoExecute']}\n",
    },
  });
  return { host, server };
}

describe("runOperator()", () => {
  test("brings labels, taints and manifests of a server in line, and then changes nothing", async () => {
    const store = objectStore();
    store.put(NODE, { metadata: { name: "n" }, spec: {} });
    const { host, server } = await node("server", store);
    await using _server = server;
    using _host = host;
    expect(await runOperator(host)).toBe(true);
    const { metadata } = store.objects.get(NODE);
    expect(metadata.labels).toEqual({ tier: "web", "k3os.io/version": "v1.0.0", "k3os.io/mode": "local" });
    expect(store.objects.has("/api/v1/namespaces/x")).toBe(true);
    expect(await runOperator(host)).toBe(true);
    expect(store.objects.get(NODE).spec.taints).toEqual([
      { key: "k", value: "v", effect: "NoSchedule" },
      { key: "l", effect: "NoExecute" },
    ]);
    const before = server.calls.length;
    expect(await runOperator(host)).toBe(true);
    const calls = server.calls.slice(before).map(({ method, user }) => `${method} ${user}`);
    expect([...new Set(calls)]).toEqual(["GET system:node:n", "GET system:admin"]);
  });

  test("of an agent asks only for what its kubelet may do", async () => {
    const store = objectStore();
    store.put(NODE, { metadata: { name: "n" }, spec: {} });
    const { host, server } = await node("agent", store);
    await using _server = server;
    using _host = host;
    expect(await runOperator(host)).toBe(true);
    expect(store.objects.get(NODE).spec).toEqual({});
    expect(store.calls).toEqual([`GET ${NODE}`, `PATCH ${NODE}`]);
  });

  test("goes on after a failure of one part", async () => {
    const store = objectStore();
    store.put(NODE, { metadata: { name: "n" }, spec: {} });
    store.fail("PATCH", 403);
    const { host, server } = await node("server", store);
    await using _server = server;
    using _host = host;
    expect(await runOperator(host)).toBe(false);
    expect(host.logged.join("\n")).toContain("The labels in Kubernetes: left for the next time");
    expect(store.objects.has("/api/v1/namespaces/x")).toBe(true);
  });

  test("waits for a node that has not joined, then leaves it to the timer", async () => {
    const store = objectStore();
    const { host, server } = await node("agent", store);
    await using _server = server;
    using _host = host;
    expect(await runOperator(host)).toBe(false);
    expect(store.calls.length).toBeGreaterThan(5);
    expect(host.logged.join("\n")).toContain("has not joined yet");
  });

  test("delivers nothing while the release is on trial", async () => {
    const store = objectStore();
    store.put(NODE, { metadata: { name: "n" }, spec: {} });
    const { host, server } = await node("server", store);
    await using _server = server;
    using _host = host;
    const { writeTrial } = await import("../../../lib/tools/generation/trial.ts");
    const { mkdirSync } = await import("node:fs");
    mkdirSync(`${host.root}/k3os/system`, { recursive: true });
    writeTrial(`${host.root}/k3os/system`, {
      ...{ state: "trial", kind: "upgrade", since: "", parts: [], started: true, left: 1, keep: 0 },
      ...{ tolerated: [], keepData: false, reason: undefined },
    });
    expect(await runOperator(host)).toBe(true);
    expect(store.objects.has("/api/v1/namespaces/x")).toBe(false);
  });

  test("does nothing where no k3s is set up", async () => {
    using host = testHost();
    expect(await runOperator(host)).toBe(true);
  });
});
