import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startMachine } from "../../lib/make/vm/qemu.ts";
import { ssh } from "../../lib/make/vm/ssh.ts";
import { type Hardware, within } from "../../lib/make/vm/virtual-node.ts";
import {
  type Cluster,
  type ClusterNode,
  K3S,
  makeNode,
  prepareCluster,
  SERVER_ARGS,
  startNode,
} from "../support/cluster.ts";
import { makeFailingK3s } from "../support/failing-k3s.ts";
import { describeLong } from "../support/left-out.ts";

const MINUTE = 60_000;
const SOURCE = "/var/tmp/new";
const CURRENT = "readlink /k3os/system/k3s/current";

/** A release of a minor version that is so many after the one in the artifacts. */
function laterMinor(count: number): string {
  return `v1.${Number(K3S.split(".")[1]) + count}.0+k3s1`;
}

describeLong("a server that is to be upgraded", () => {
  let cluster: Cluster;
  let hardware: Hardware;
  let node: ClusterNode;

  beforeAll(async () => {
    cluster = await prepareCluster();
    hardware = await makeNode("server", { config: { k3os: { k3s_args: SERVER_ARGS } } }, cluster);
    node = await startNode(hardware, "old", { cluster });
    await node.ready("server");
    await node.run("echo K3OS_HEALTH_DEADLINE=240 | sudo tee /var/lib/rancher/k3os/health.conf");
  }, 30 * MINUTE);

  afterAll(async () => {
    await node?.[Symbol.asyncDispose]();
    cluster?.[Symbol.dispose]();
  });

  /** Upgrades to a k3s that does not start; the exit status and what was said. */
  async function upgrade(version: string): Promise<[code: number, said: string]> {
    const file = join(cluster.scratch, version);
    await makeFailingK3s(version, file);
    await node.run(`sudo rm -rf ${SOURCE}`);
    await node.put(`${SOURCE}/k3s/${version}/k3s`, readFileSync(file));
    await node.run(`sudo ln -s ${version} ${SOURCE}/k3s/current`);
    const command = `sudo k3os upgrade --k3s --remount --source ${SOURCE} --destination /k3os/system`;
    const { code, stderr } = await ssh(node.target, command, { timeout: 5 * MINUTE });
    return [code, stderr];
  }

  test("is not upgraded over a minor version of Kubernetes, and not cordoned", async () => {
    const [code, said] = await upgrade(laterMinor(2));
    expect(said).toContain(laterMinor(1).replace(/\.0\+.*/, ""));
    expect(code).toBe(4);
    expect(await node.run(CURRENT)).toBe(K3S);
    expect(await node.kubectl("get node server -o jsonpath={.spec.unschedulable}")).toBe("");
  });

  test(
    "goes back to its k3s and its datastore when the new k3s does not come up",
    async () => {
      await node.kubectl("create configmap kept --from-literal=made=before");
      const [code, said] = await upgrade(laterMinor(1));
      expect([code, said]).toEqual([0, expect.any(String)]);
      expect(await node.run(CURRENT)).toBe(laterMinor(1));
      await node.end("sudo systemctl reboot");
      {
        const disks = [hardware.disk];
        await using machine = await startMachine({ name: "cluster-server-trial", memory: 2048, disks });
        const sign = /Not healthy: .*Rebooting into the previous versions/;
        await machine.console.expect(sign, { timeout: 20 * MINUTE });
        await within(machine.exited, 5 * MINUTE, "The machine did not restart");
      }
      node = await startNode(hardware, "back", { cluster });
      await node.ready("server");
      expect(await node.run(CURRENT)).toBe(K3S);
      expect(await node.kubectl("get configmap kept -o jsonpath={.data.made}")).toBe("before");
      const status = JSON.parse(await node.run("sudo k3os status --json"));
      expect(status.trial).toBeUndefined();
      expect(status.failed).toMatchObject([{ versions: { k3s: laterMinor(1) } }]);
      expect(status.failed[0].reason).toMatch(/k3s ended with status 1, \d+ times.*does not start/);
    },
    60 * MINUTE,
  );
});
