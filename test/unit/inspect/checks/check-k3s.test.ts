import { expect, spyOn, test } from "bun:test";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { clusterNode, judgeNode, judgeService } from "../../../../lib/inspect/checks/check-k3s.ts";
import { runChecks, type Verdict } from "../../../../lib/inspect/doctor-check.ts";
import { serveApi } from "../../../support/api-server.ts";
import { testHost } from "../../../support/host.ts";

const END = Date.parse("2030-01-01");
const DAY = 24 * 3600 * 1000;
const AGENT = { role: "agent", since: undefined, trouble: undefined } as const;
const NODE = {
  ...{ node: "n", ready: true, reason: undefined, since: "2029-12-31T00:00:00Z", cordoned: false },
  ...{ kubelet: "v1.36.3+k3s1", server: "v1.36.3+k3s1", podsNotUp: 0, problem: undefined },
};

const VERDICTS: readonly [what: string, verdict: Verdict, state: Verdict["state"], message: string][] = [
  ["k3s", judgeService({ ...AGENT, state: "active" }), "ok", "agent, active"],
  [
    "k3s starting",
    judgeService({ ...AGENT, state: "activating", since: "Mon 10:00" }),
    "warning",
    "agent, starting since Mon 10:00",
  ],
  ["k3s failed", judgeService({ ...AGENT, role: "server", state: "failed" }), "failure", "failed"],
  [
    "an agent whose server refuses its token",
    judgeService({
      ...AGENT,
      state: "active",
      trouble: { kind: "token", message: "the server refuses the token", hint: "set k3os.token" },
    }),
    "failure",
    "agent, active: the server refuses the token",
  ],
  ["a ready node", judgeNode({ cluster: NODE, now: END }), "ok", "Ready, kubelet v1.36.3+k3s1"],
  [
    "a node that is not ready",
    judgeNode({ cluster: { ...NODE, ready: false, reason: "KubeletNotReady: x" }, now: END }),
    "failure",
    "not Ready since 2029-12-31T00:00:00Z (KubeletNotReady: x)",
  ],
  [
    "a node that has just started",
    judgeNode({ cluster: { ...NODE, ready: false }, now: END - DAY + 60_000 }),
    "warning",
    "not Ready",
  ],
  ["a cordoned node", judgeNode({ cluster: { ...NODE, cordoned: true }, now: END }), "warning", "cordoned"],
  ["pods that hang", judgeNode({ cluster: { ...NODE, podsNotUp: 2 }, now: END }), "warning", "come up: 2"],
  ["no API", judgeNode({ cluster: { ...NODE, problem: "no answer" }, now: END }), "warning", "no answer"],
];

test.each(VERDICTS)("%s", (_, verdict, state, message) => {
  expect(verdict.state).toBe(state);
  expect(verdict.message).toContain(message);
  if (state !== "ok") expect(verdict.hint).toBeString();
});

/** Forwards connections to a port of this machine, each after `delay` milliseconds. */
async function serveLate(port: number, delay: number): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer((near) => {
    setTimeout(() => near.pipe(connect(port, "127.0.0.1")).pipe(near), delay);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}

test("the node is told of by a server that takes longer than the status waits", async () => {
  const condition = { type: "Ready", status: "True" };
  await using api = await serveApi(({ path }) => {
    if (path === "/version") return { gitVersion: "v1.36.3+k3s1" };
    return path.startsWith("/api/v1/pods?") ? { items: [] } : { status: { conditions: [condition] } };
  });
  await using late = await serveLate(Number(new URL(api.url).port), 800);
  const kubeconfig = api.kubeconfig("admin").replace(api.url, `https://127.0.0.1:${late.port}`);
  const files = {
    "/etc/systemd/system/k3s-service.service": "[Service]\nExecStart=/sbin/k3s server\n",
    "/etc/rancher/k3s/k3s.yaml": kubeconfig,
  };
  using host = testHost({ files });
  // the status waits as long as the program has run
  using _now = spyOn(performance, "now").mockReturnValue(0);
  const [finding] = await runChecks([clusterNode], "local", host);
  expect(finding).toMatchObject({ state: "ok", message: "Ready, server v1.36.3+k3s1" });
}, 20_000);
