import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { answeringPod, NODE_PORT } from "../../lib/make/vm/pod-images.ts";
import type { Hardware } from "../../lib/make/vm/virtual-node.ts";
import {
  type Cluster,
  type ClusterNode,
  K3S,
  makeNode,
  prepareCluster,
  SERVER_ARGS,
  startNode,
} from "../support/cluster.ts";

const MINUTE = 60_000;

/** The checks of the doctor that need the Internet. */
const ONLINE = ["name resolution", "clock"];

describe("a server", () => {
  let cluster: Cluster;
  let hardware: Hardware;
  let node: ClusterNode;

  beforeAll(async () => {
    cluster = await prepareCluster();
    const k3os = { k3s_args: SERVER_ARGS, labels: { tier: "control" } };
    hardware = await makeNode("server", { config: { k3os } }, cluster);
    node = await startNode(hardware, "first", { cluster });
    await node.ready("server");
  }, 20 * MINUTE);

  afterAll(async () => {
    await node?.[Symbol.asyncDispose]();
    cluster?.[Symbol.dispose]();
  });

  test("is a node of the cluster, with the version of its k3s, its system and its labels", async () => {
    const { metadata, status } = JSON.parse(await node.kubectl("get node server -o json"));
    expect(status.nodeInfo).toMatchObject({ kubeletVersion: K3S, osImage: expect.stringMatching(/^k3OS v/) });
    expect(metadata.labels).toMatchObject({ tier: "control", "k3os.io/mode": "local" });
  });

  test(
    "runs a pod from an imported archive, which answers at a port of the node",
    async () => {
      await node.wait("serviceaccount/default", "create");
      await node.apply(answeringPod("answer", { answer: "from a pod" }));
      await node.wait("pod/answer", "condition=Ready");
      const address = "$(ip -4 -o addr show dev eth0 | grep -o '[0-9.]*/' | tr -d /)";
      expect(await node.until(`curl -sf -m 5 http://${address}:${NODE_PORT}/`)).toBe("from a pod");
    },
    20 * MINUTE,
  );

  test("is well, by its status and its doctor", async () => {
    // of a server that has just started, on a busy machine, the first look may get no answer
    await node.until("sudo k3os status --json >/tmp/status && jq -e .cluster.ready /tmp/status >/dev/null");
    const status = JSON.parse(await node.run("cat /tmp/status"));
    const k3s = { role: "server", state: "active" };
    const inCluster = { node: "server", ready: true, cordoned: false, kubelet: K3S, podsNotUp: 0 };
    expect(status).toMatchObject({ k3s, cluster: inCluster, failed: [], failedUnits: [], notApplied: [] });
    // again while it finds something: with one emulated processor, the API server at times takes longer than its 5 s
    const isTrouble = '(.state == "warning" or .state == "failure")';
    const isOffline = ONLINE.map((check) => `.check != "${check}"`).join(" and ");
    const trouble = `sudo k3os doctor --json | jq -c '.[] | select(${isTrouble} and ${isOffline})'`;
    await node.until(`{ ${trouble} >/tmp/trouble; cat /tmp/trouble >&2; [ ! -s /tmp/trouble ]; }`);
  });

  test("shows k3s to rancher, without sudo and by the names that k3s gives it itself", async () => {
    expect(await node.run("systemctl status --no-pager --lines=0 k3s")).toMatch(/active \(running\)/);
    expect(await node.run("journalctl -u k3s --grep='k3s is up and running' -o cat")).toContain("level=info");
    expect(await node.run("kubectl get nodes -o name")).toBe("node/server");
    expect(await node.run("stat -c '%a %U:%G' /etc/rancher/k3s/k3s.yaml")).toBe("640 root:sudo");
  });

  test("has what k3s asks of a kernel, by k3s's own check", async () => {
    const report = await node.run("sudo k3s check-config 2>&1 | sed 's/\\x1b\\[[0-9;]*m//g'", {
      timeout: 8 * MINUTE,
    });
    expect(report).toContain("apparmor: enabled and tools installed");
    expect(report).toMatch(/^STATUS: pass$/m);
  });

  test("has brought Kubernetes in line with the node, without the manifests that k3s is told to leave out", async () => {
    await node.until("sudo kubectl get node server -o yaml | grep 'k3os.io/managed-labels: .*tier'");
    expect(await node.kubectl("get namespaces -o name")).not.toContain("k3os-system");
  });
});
