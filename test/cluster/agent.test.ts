import { afterAll, beforeAll, expect, test } from "bun:test";
import { answeringPod } from "../../lib/make/vm/pod-images.ts";
import type { Hardware } from "../../lib/make/vm/virtual-node.ts";
import { type Card, makeCable } from "../support/cable.ts";
import {
  type Cluster,
  type ClusterNode,
  K3S,
  makeNode,
  prepareCluster,
  SERVER_ARGS,
  startNode,
} from "../support/cluster.ts";
import { describeLong } from "../support/left-out.ts";

const MINUTE = 60_000;
const TOKEN = "a-token-of-the-test";
const ENVIRONMENT = {
  HTTPS_PROXY: "http://192.0.2.1:3128",
  NO_PROXY: "127.0.0.0/8,10.0.0.0/8,192.168.0.0/16,.svc,.cluster.local",
};
/** A file of the configuration that is added later. */
const LATER = "/var/lib/rancher/k3os/config.d/later.yaml";

describeLong("a server and its agent", () => {
  let cluster: Cluster;
  let cards: readonly [Card, Card];
  let hardware: Hardware;
  let server: ClusterNode;
  let agent: ClusterNode;

  const onCable = ({ address }: Card) => [`--node-ip=${address}`, "--flannel-iface=eth1"];
  const startAgent = async (boot: string) => {
    agent = await startNode(hardware, boot, { cluster, memory: 1024, extra: cards[1].extra });
    await server.wait("node/agent", "create");
    await server.wait("node/agent", "condition=Ready");
  };

  beforeAll(async () => {
    cluster = await prepareCluster();
    cards = await makeCable();
    const ofServer = { token: TOKEN, k3s_args: [...SERVER_ARGS, ...onCable(cards[0])] };
    const config = { write_files: [cards[0].file], k3os: ofServer };
    const first = await makeNode("server", { config }, cluster);
    server = await startNode(first, "first", { cluster, extra: cards[0].extra });
    await server.ready("server");
    const ofAgent = {
      server_url: `https://${cards[0].address}:6443`,
      token: TOKEN,
      k3s_args: ["agent", ...onCable(cards[1]), "--kubelet-arg=max-pods=42"],
      labels: { tier: "edge", stays: "here" },
      taints: ["edge=yes:NoSchedule"],
      environment: ENVIRONMENT,
    };
    hardware = await makeNode("agent", { config: { write_files: [cards[1].file], k3os: ofAgent } }, cluster);
    await startAgent("first");
  }, 40 * MINUTE);

  afterAll(async () => {
    for (const node of [agent, server]) await node?.[Symbol.asyncDispose]();
    cluster?.[Symbol.dispose]();
  });

  const nodeObject = async () => JSON.parse(await server.kubectl("get node agent -o json"));

  /** The environment of the agent's k3s; its first variable may be missing, where k3s puts its title. */
  const k3sEnvironment = async (): Promise<Record<string, string>> => {
    const pid = await agent.run("systemctl show -P MainPID k3s-service");
    const lines = (await agent.run(`sudo cat /proc/${pid}/environ | tr '\\0' '\\n'`)).split("\n");
    return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2)));
  };

  test("are joined by address and token, with labels, taints and arguments of the agent's k3s", async () => {
    const { metadata, spec, status } = await nodeObject();
    expect(metadata.labels).toMatchObject({ tier: "edge", "k3os.io/mode": "local" });
    expect(spec.taints).toContainEqual({ key: "edge", value: "yes", effect: "NoSchedule" });
    expect(status.capacity.pods).toBe("42");
    expect(status.nodeInfo.kubeletVersion).toBe(K3S);
    expect(status.addresses).toContainEqual({ type: "InternalIP", address: cards[1].address });
  });

  test("pull images through the proxy of the agent's configuration", async () => {
    const said = await agent.run("sudo crictl pull registry.example.com/none:1 2>&1 || true");
    expect(said).toContain("proxyconnect tcp: dial tcp 192.0.2.1:3128");
  });

  test(
    "reach each other's pods",
    async () => {
      await server.wait("serviceaccount/default", "create");
      await server.apply(answeringPod("far", { answer: "from the agent", node: "agent" }));
      await server.wait("pod/far", "condition=Ready");
      const address = await server.kubectl("get pod far -o jsonpath={.status.podIP}");
      expect(await server.until(`curl -sf -m 5 http://${address}:8080/`)).toBe("from the agent");
    },
    20 * MINUTE,
  );

  test("are well, by status and doctor of the agent, and make a bundle for who is to help", async () => {
    // the unit is active when k3s says so, which on a busy machine is after the node is Ready; so with the API's answers
    const isWell = "jq -e '.cluster.ready and .k3s.state == \"active\"'";
    await agent.until(`sudo k3os status --json >/tmp/status; cat /tmp/status >&2; ${isWell} /tmp/status`);
    const status = JSON.parse(await agent.run("cat /tmp/status"));
    const inCluster = { node: "agent", ready: true, cordoned: false, kubelet: K3S };
    expect(status).toMatchObject({ k3s: { role: "agent" }, cluster: inCluster, failed: [], notApplied: [] });
    const failures = `sudo k3os doctor --json | jq -c '.[] | select(.state == "failure")'`;
    await agent.until(`{ ${failures} >/tmp/failures; cat /tmp/failures >&2; [ ! -s /tmp/failures ]; }`);
    await agent.run("sudo k3os support /var/tmp/bundle.tar.gz", { timeout: 8 * MINUTE });
    const text = await agent.run("sudo tar -xzOf /var/tmp/bundle.tar.gz");
    expect(text).toContain("k3s-service");
    expect(text).not.toContain(TOKEN);
  });

  test(
    "follow the agent's labels and taints when they change, and leave alone what kubectl has set",
    async () => {
      await server.kubectl("label node agent by-hand=yes");
      const k3os = {
        k3s_args: ["agent", ...onCable(cards[1]), "--kubelet-arg=max-pods=43"],
        labels: { tier: "core" },
        taints: ["core=yes:NoSchedule"],
        environment: { NO_PROXY: `${ENVIRONMENT.NO_PROXY},.example.com` },
      };
      await agent.put(LATER, Buffer.from(JSON.stringify({ k3os })));
      await agent.run("sudo k3os config", { timeout: 8 * MINUTE });
      const changes = {
        "metadata.labels.tier": "core",
        "spec.taints[0].key": "core",
        "status.capacity.pods": "43",
      };
      for (const [path, value] of Object.entries(changes))
        await server.wait("node/agent", `jsonpath={.${path}}=${value}`);
      const { metadata, spec } = await nodeObject();
      expect(metadata.labels).toMatchObject({ "by-hand": "yes", "k3os.io/mode": "local" });
      expect(spec.taints).toEqual([{ key: "core", value: "yes", effect: "NoSchedule" }]);
      expect((await k3sEnvironment()).NO_PROXY).toContain(".example.com");
    },
    30 * MINUTE,
  );

  test(
    "join anew after the reset of the agent, whose node was deleted",
    async () => {
      const identity = await agent.run("cat /etc/machine-id");
      await server.kubectl("delete node agent");
      await agent.end("sudo k3os reset --yes --reboot");
      await startAgent("after-reset");
      expect(await agent.run("cat /etc/machine-id")).not.toBe(identity);
      const { metadata, status } = await nodeObject();
      expect(metadata.labels.tier).toBe("edge");
      expect(status.nodeInfo.machineID).not.toBe(identity);
    },
    40 * MINUTE,
  );
});
