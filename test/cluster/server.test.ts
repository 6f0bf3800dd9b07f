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
    // once: on a busy machine, the API server that has just started takes its time
    await node.until("sudo k3os status --json | jq -e .cluster.ready >/dev/null");
    const status = JSON.parse(await node.run("sudo k3os status --json"));
    const k3s = { role: "server", state: "active" };
    const inCluster = { node: "server", ready: true, cordoned: false, kubelet: K3S, podsNotUp: 0 };
    expect(status).toMatchObject({ k3s, cluster: inCluster, failed: [], failedUnits: [], notApplied: [] });
    // again while it finds something: with one emulated processor, the API server at times takes longer than its 5 s
    const isTrouble = '(.state == "warning" or .state == "failure")';
    const isOffline = ONLINE.map((check) => `.check != "${check}"`).join(" and ");
    const trouble = `sudo k3os doctor --json | jq -c '.[] | select(${isTrouble} and ${isOffline})'`;
    await node.until(`{ ${trouble} >/tmp/trouble; cat /tmp/trouble >&2; [ ! -s /tmp/trouble ]; }`);
  });
});
