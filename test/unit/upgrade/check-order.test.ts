import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { OrderError } from "../../../lib/tools/text/errors.ts";
import { checkOrder } from "../../../lib/upgrade/check-order.ts";
import { type ApiAnswer, type ApiServer, kubeconfigText, serveApi } from "../../support/api-server.ts";
import { type TestHost, testHost } from "../../support/host.ts";
import { makeSystem } from "../../support/system-directory.ts";

const AGENT = "/var/lib/rancher/k3s/agent";
const BALANCER = `${AGENT}/etc/k3s-agent-load-balancer.json`;

function kubelet(api: ApiServer, name: string): Readonly<Record<string, string>> {
  const { cert, key } = api.authority.client(`system:node:${name}`);
  const text = kubeconfigText(api.url, {
    ca: { path: `${AGENT}/server-ca.crt` },
    cert: { path: `${AGENT}/client-kubelet.crt` },
    key: { path: `${AGENT}/client-kubelet.key` },
  });
  return {
    [`${AGENT}/kubelet.kubeconfig`]: text,
    [`${AGENT}/server-ca.crt`]: api.authority.ca,
    [`${AGENT}/client-kubelet.crt`]: cert,
    [`${AGENT}/client-kubelet.key`]: key,
  };
}

function unit(role: string): Readonly<Record<string, string>> {
  return { "/etc/systemd/system/k3s-service.service": `[Service]\nExecStart=/sbin/k3s ${role}\n` };
}

/** Checks k3s 1.36 for a machine that has 1.35; the host's own root is that of a container. */
async function check(machine: TestHost, { allowSkew = false } = {}): Promise<string> {
  const system = join(machine.root, "k3os/system");
  if (!existsSync(system)) makeSystem(machine.root, { k3s: ["v1.35.3+k3s1"] });
  using container = testHost();
  const parts = [{ component: "k3s", version: "v1.36.3+k3s1" } as const];
  try {
    await checkOrder(system, parts, { allowSkew }, container);
  } catch (error) {
    if (error instanceof OrderError) return error.message;
    throw error;
  }
  return container.logged.join("\n");
}

describe("checkOrder() on an agent", () => {
  const answer =
    (gitVersion: string): ApiAnswer =>
    ({ path }) =>
      path === "/version" ? { gitVersion } : [404, ""];

  test("asks every server with the kubelet's certificate, and lets it follow them", async () => {
    await using api = await serveApi(answer("v1.36.3+k3s1"));
    await using other = await serveApi(answer("v1.37.1+k3s1"), api.authority);
    const addresses = [api, other].map(({ url }) => url.replace("https://", ""));
    const files = {
      ...unit("agent"),
      ...kubelet(api, "a"),
      [BALANCER]: JSON.stringify({ ServerAddresses: addresses }),
    };
    using machine = testHost({ files });
    expect(await check(machine)).toBe("");
    expect([api, other].map(({ calls }) => calls[0]?.user)).toEqual(["system:node:a", "system:node:a"]);
  });

  test("refuses a version newer than one of them, or only warns", async () => {
    await using api = await serveApi(answer("v1.35.9+k3s1"));
    using machine = testHost({ files: { ...unit("agent"), ...kubelet(api, "a") } });
    expect(await check(machine)).toContain("upgrade the servers to v1.36 first");
    expect(await check(machine, { allowSkew: true })).toContain("going on because of --allow-skew");
  });

  test("refuses where none answers, and where k3s has never run", async () => {
    const api = await serveApi(answer("v1.36.3+k3s1"));
    using machine = testHost({ files: { ...unit("agent"), ...kubelet(api, "a") } });
    await api[Symbol.asyncDispose]();
    expect(await check(machine)).toContain("The Kubernetes API does not answer");
    using fresh = testHost({ files: unit("agent") });
    expect(await check(fresh)).toContain("k3s has not written a kubeconfig for it yet");
  });
});

describe("checkOrder() on a server", () => {
  const condition = (type: string, status: string, reason = "KubeletReady") => ({ type, status, reason });
  const node = (name: string, label: string, conditions: readonly object[]) => ({
    metadata: { name, labels: { [`node-role.kubernetes.io/${label}`]: "true" } },
    status: { nodeInfo: { kubeletVersion: "v1.35.3+k3s1" }, conditions },
  });
  const READY = condition("Ready", "True");

  async function checkServer(...items: readonly object[]): Promise<string> {
    await using api = await serveApi(({ path }) => (path === "/api/v1/nodes" ? { items } : [404, ""]));
    const admin = api.kubeconfig("system:admin");
    const files = { ...unit("server"), ...kubelet(api, "a"), "/etc/rancher/k3s/k3s.yaml": admin };
    using machine = testHost({ files: { ...files, "/var/lib/rancher/k3s/server/db/etcd/name": "a" } });
    const found = await check(machine);
    expect(api.calls.map(({ user }) => user)).toEqual(["system:admin"]);
    return found;
  }

  test("counts neither itself nor agents, and lets it go while the others are Ready and vote", async () => {
    const gone = condition("Ready", "Unknown", "NodeStatusUnknown");
    const voter = condition("EtcdIsVoter", "True", "MemberNotLearner");
    const found = await checkServer(
      node("a", "control-plane", [gone]),
      node("agent", "none", [gone]),
      node("b", "etcd", [voter, READY]),
    );
    expect(found).toBe("");
  });

  test.each([
    ["not Ready: NodeStatusUnknown", [condition("Ready", "Unknown", "NodeStatusUnknown")]],
    ["no voter in etcd", [READY, condition("EtcdIsVoter", "False")]],
    ["not Ready", []],
  ])("refuses while another is %s", async (problem, conditions) => {
    const found = await checkServer(node("a", "etcd", [READY]), node("b", "etcd", conditions));
    expect(found).toContain(`Another server with etcd is not healthy: b (${problem})`);
  });

  test("asks nobody without embedded etcd", async () => {
    using machine = testHost({ files: unit("server") });
    expect(await check(machine)).toBe("");
  });
});

test("checkOrder() has nothing to say of other components", async () => {
  using machine = testHost({ files: unit("agent") });
  const system = makeSystem(machine.root, { k3os: ["v1"] });
  await checkOrder(system, [{ component: "kernel", version: "6.12" }], { allowSkew: false }, machine);
});
