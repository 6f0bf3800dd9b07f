import { describe, expect, test } from "bun:test";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { type ClusterState, describeCluster, readCluster } from "../../../lib/inspect/cluster-state.ts";
import { type ApiAnswer, serveApi } from "../../support/api-server.ts";
import { makeAuthority } from "../../support/authority.ts";
import { testHost } from "../../support/host.ts";

const UNIT = "/etc/systemd/system/k3s-service.service";
const ADMIN = "/etc/rancher/k3s/k3s.yaml";
const KUBELET = "/var/lib/rancher/k3s/agent/kubelet.kubeconfig";
const SERVER = { [UNIT]: "[Service]\nExecStart=/sbin/k3s server\n" };
const AGENT = { [UNIT]: "[Service]\nExecStart=/sbin/k3s agent\n" };
const STUCK = {
  metadata: { name: "p", creationTimestamp: "2020-01-01T00:00:00Z" },
  status: { phase: "Pending" },
};

const READY: ClusterState = {
  node: "n1",
  ready: true,
  reason: undefined,
  since: "2026-12-01T13:00:00Z",
  cordoned: false,
  kubelet: "v1.36.3+k3s1",
  server: "v1.36.4+k3s1",
  podsNotUp: 0,
  problem: undefined,
};

/** A cluster of one node, whose condition "Ready" has this status. */
function cluster(status: string, unschedulable = false): ApiAnswer {
  return ({ path }) => {
    if (path === "/version") return { gitVersion: "v1.36.4+k3s1" };
    if (path.startsWith("/api/v1/pods?")) return { items: path.includes("nodeName%3D%2C") ? [STUCK] : [] };
    if (!path.startsWith("/api/v1/nodes/n1")) return [404, { message: "not found" }];
    const condition = {
      ...{ type: "Ready", status, reason: "KubeletNotReady", message: "cni plugin not initialized" },
      lastTransitionTime: "2026-12-01T13:00:00Z",
    };
    return {
      spec: { unschedulable },
      status: { conditions: [condition], nodeInfo: { kubeletVersion: "v1.36.3+k3s1" } },
    };
  };
}

/** A server that accepts connections and says nothing. */
async function serveHanging(): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer(() => undefined).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}

describe("readCluster()", () => {
  test("tells a server of the node, and of pods without a node", async () => {
    await using api = await serveApi(cluster("True"));
    const files = {
      ...SERVER,
      [ADMIN]: api.kubeconfig("admin"),
      [KUBELET]: api.kubeconfig("system:node:n1"),
    };
    using host = testHost({ files });
    expect(await readCluster(host)).toEqual({ ...READY, podsNotUp: 1 });
  });

  test("tells an agent of the node and its own pods only", async () => {
    await using api = await serveApi(cluster("False", true));
    using host = testHost({ files: { ...AGENT, [KUBELET]: api.kubeconfig("system:node:n1") } });
    expect(await readCluster(host)).toEqual({
      ...READY,
      ...{ ready: false, reason: "KubeletNotReady: cni plugin not initialized", cordoned: true },
    });
    expect(api.calls.map(({ user }) => user)).toEqual(Array(3).fill("system:node:n1"));
  });

  test("says that the cluster does not know the node", async () => {
    await using api = await serveApi(cluster("True"));
    using host = testHost({ files: { ...AGENT, [KUBELET]: api.kubeconfig("system:node:n2") } });
    expect((await readCluster(host))?.problem).toBe('the cluster knows no node "n2"');
  });

  test("takes less than a second where the server is away, also behind a load balancer that answers", async () => {
    await using silent = await serveApi(() => undefined, makeAuthority());
    const unit = `${AGENT[UNIT].replace("agent", "agent --server https://192.0.2.1:6443")}`;
    using host = testHost({ files: { [UNIT]: unit, [KUBELET]: silent.kubeconfig("system:node:n1") } });
    const start = performance.now();
    const found = await readCluster(host, { reach: 600, total: 3_000 });
    expect(performance.now() - start).toBeLessThan(1_000);
    expect(found?.problem).toStartWith("the API server does not answer: ");
  });

  test("takes less than a second where the server hangs, and accepts connections", async () => {
    await using server = await serveHanging();
    await using api = await serveApi(cluster("True"));
    const files = { ...SERVER, [ADMIN]: api.kubeconfig("admin").replace(api.url, server.url) };
    using host = testHost({ files });
    const start = performance.now();
    expect((await readCluster(host, { reach: 600, total: 3_000 }))?.problem).toBe(
      "the API server does not answer: not within 0.6 s",
    );
    expect(performance.now() - start).toBeLessThan(1_000);
  });

  test("ends in time where the server is there and answers slowly, and says that", async () => {
    await using slow = await serveApi(({ path }) => (path === "/version" ? { gitVersion: "v1" } : undefined));
    using host = testHost({ files: { ...SERVER, [ADMIN]: slow.kubeconfig("admin") } });
    const start = performance.now();
    const found = await readCluster(host, { reach: 500, total: 500 });
    expect(found?.problem).toBe("the API server does not answer within 0.5 s");
    expect(performance.now() - start).toBeLessThan(900);
  });

  test("is undefined before k3s has an identity", async () => {
    using host = testHost({ files: SERVER });
    expect(await readCluster(host)).toBeUndefined();
  });
});

describe("describeCluster()", () => {
  test("names the versions, and what is not well", () => {
    expect(describeCluster(READY)).toEqual(["Ready", "kubelet v1.36.3+k3s1", "server v1.36.4+k3s1"]);
    expect(describeCluster({ ...READY, ready: false, reason: "x: y", cordoned: true, podsNotUp: 2 })).toEqual(
      [
        "not Ready since 2026-12-01T13:00:00Z (x: y), takes no new pods (cordoned)",
        ...["kubelet v1.36.3+k3s1", "server v1.36.4+k3s1", "pods that do not come up: 2"],
      ],
    );
    expect(describeCluster({ ...READY, problem: "no" })).toEqual(["no"]);
  });
});
