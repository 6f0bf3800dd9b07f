import { describe, expect, test } from "bun:test";
import { setTimeout as slowness } from "node:timers/promises";
import { isUnreachable, openKubernetes } from "../../../../lib/tools/kubernetes/kubernetes-api.ts";
import { KubernetesError } from "../../../../lib/tools/kubernetes/kubernetes-error.ts";
import { messageOf } from "../../../../lib/tools/text/errors.ts";
import { kubeconfigText, serveApi } from "../../../support/api-server.ts";
import { makeAuthority } from "../../../support/authority.ts";
import { testHost } from "../../../support/host.ts";

const UNIT = "/etc/systemd/system/k3s-service.service";
const ADMIN = "/etc/rancher/k3s/k3s.yaml";
const KEPT = "/var/lib/rancher/k3s/server/cred/admin.kubeconfig";
const KUBELET = "/var/lib/rancher/k3s/agent/kubelet.kubeconfig";
const SERVER = { [UNIT]: "[Service]\nExecStart=/sbin/k3s server\n" };

async function failure(asked: Promise<unknown> | undefined): Promise<KubernetesError> {
  try {
    await asked;
  } catch (error) {
    if (error instanceof KubernetesError) return error;
    throw error;
  }
  throw new Error("expected a failure");
}

describe("openKubernetes()", () => {
  test("asks with the administrator's certificate on a server", async () => {
    await using api = await serveApi(() => ({ gitVersion: "v1.36.3+k3s1" }));
    const files = { ...SERVER, [KEPT]: api.kubeconfig("system:admin"), [KUBELET]: "" };
    using host = testHost({ files });
    const opened = openKubernetes(host);
    expect(opened?.identity).toBe("admin");
    expect(await opened?.request<object>("GET", "/version")).toEqual({ gitVersion: "v1.36.3+k3s1" });
    expect(api.calls).toMatchObject([{ method: "GET", path: "/version", user: "system:admin" }]);
  });

  test("asks with the kubelet's, of files below the root, on an agent", async () => {
    await using api = await serveApi(() => "ok");
    const { cert, key } = api.authority.client("system:node:b");
    const directory = "/var/lib/rancher/k3s/agent";
    const text = kubeconfigText(api.url, {
      ca: { path: `${directory}/server-ca.crt` },
      cert: { path: `${directory}/client-kubelet.crt` },
      key: { path: `${directory}/client-kubelet.key` },
    });
    using host = testHost({
      files: {
        [KUBELET]: text,
        [`${directory}/server-ca.crt`]: api.authority.ca,
        [`${directory}/client-kubelet.crt`]: cert,
        [`${directory}/client-kubelet.key`]: key,
      },
    });
    const opened = openKubernetes(host);
    expect(opened?.identity).toBe("kubelet");
    expect(await opened?.request<string>("GET", "/readyz")).toBe("ok");
    expect(api.calls[0]?.user).toBe("system:node:b");
  });

  test("asks the server that an agent joined, if its load balancer does not run", async () => {
    const authority = makeAuthority();
    await using api = await serveApi(() => ({}), authority);
    await using gone = await serveApi(() => ({}), authority);
    const text = gone.kubeconfig("system:node:b");
    await gone[Symbol.asyncDispose]();
    const environment = `K3S_URL="${api.url}"\nK3S_TOKEN="secret"\n`;
    using host = testHost({ files: { [KUBELET]: text, "/etc/rancher/k3s/k3s-service.env": environment } });
    expect(await openKubernetes(host)?.request<object>("GET", "/version")).toEqual({});
  });

  test("is undefined before k3s has written a kubeconfig", () => {
    using host = testHost({ files: SERVER });
    expect(openKubernetes(host)).toBeUndefined();
  });
});

describe("request()", () => {
  test("sends JSON, a patch as a merge unless it says otherwise", async () => {
    await using api = await serveApi(() => ({ done: true }));
    using host = testHost({ files: { [ADMIN]: api.kubeconfig("admin") } });
    const opened = openKubernetes(host);
    await opened?.request("POST", "/a", { body: { a: 1 } });
    await opened?.request("PATCH", "/b", { body: { b: 2 } });
    await opened?.request("PATCH", "/c", { body: [], contentType: "application/json-patch+json" });
    await opened?.request("DELETE", "/d");
    expect(api.calls.map(({ method, contentType, body }) => [method, contentType, body])).toEqual([
      ["POST", "application/json", { a: 1 }],
      ["PATCH", "application/merge-patch+json", { b: 2 }],
      ["PATCH", "application/json-patch+json", []],
      ["DELETE", undefined, undefined],
    ]);
  });

  test.each([
    [401, "unauthorized"],
    [403, "forbidden"],
    [404, "notFound"],
    [409, "conflict"],
    [503, "unavailable"],
  ] as const)("throws for status %d that it is %s, with the server's message", async (status, kind) => {
    await using api = await serveApi(() => [status, { kind: "Status", message: `it is ${kind}` }]);
    using host = testHost({ files: { [ADMIN]: api.kubeconfig("admin") } });
    const error = await failure(openKubernetes(host)?.request("GET", "/x"));
    expect([error.kind, error.status]).toEqual([kind, status]);
    expect(error.message).toBe(`The Kubernetes API answered GET /x with status ${status}: it is ${kind}`);
    expect(api.calls).toHaveLength(1);
  });

  test("is not answered by a server of another authority", async () => {
    await using api = await serveApi(() => ({}));
    const { cert, key } = api.authority.client("admin");
    const ca = makeAuthority("another").ca;
    const text = kubeconfigText(api.url, { ca: { data: ca }, cert: { data: cert }, key: { data: key } });
    using host = testHost({ files: { [ADMIN]: text } });
    const error = await failure(openKubernetes(host)?.request("GET", "/version"));
    expect(isUnreachable(error)).toBe(true);
    expect(messageOf(error)).toContain("the certificate is not trusted");
    expect(api.calls).toHaveLength(0);
  });

  test("waits for a server that is slow because it has just started", async () => {
    await using api = await serveApi(async () => {
      await slowness(3_500); // longer than a person waits for status
      return { gitVersion: "v1.36.3+k3s1" };
    });
    using host = testHost({ files: { [ADMIN]: api.kubeconfig("admin") } });
    const answer = await openKubernetes(host)?.request<object>("GET", "/version");
    expect(answer).toEqual({ gitVersion: "v1.36.3+k3s1" });
  });

  test("is not answered by a server that is away, or silent past the time", async () => {
    await using silent = await serveApi(() => undefined);
    using host = testHost({ files: { [ADMIN]: silent.kubeconfig("admin") } });
    const opened = openKubernetes(host);
    const began = performance.now();
    expect((await failure(opened?.request("GET", "/version", { timeout: 300 }))).kind).toBe("unreachable");
    expect(performance.now() - began).toBeLessThan(3_000);
    await silent[Symbol.asyncDispose]();
    expect(messageOf(await failure(opened?.request("GET", "/version")))).toContain("connection refused");
  });
});
