import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startMachine } from "../../lib/make/vm/qemu.ts";
import { reachNode, waitUntilApplied } from "../../lib/make/vm/virtual-node.ts";
import { cmd } from "../../lib/tools/host/cmd.ts";
import { runProgram } from "../../lib/tools/host/host.ts";
import { K3S, nodeOf, prepareCluster, SERVER_ARGS } from "../support/cluster.ts";
import { ISO } from "../support/image.ts";
import { describeLong } from "../support/left-out.ts";
import { EXECUTABLE } from "../support/upgrader.ts";

const MINUTE = 60_000;

describeLong("a live system", () => {
  test(
    "is a server without a disk, whose configuration can be changed and applied",
    async () => {
      using cluster = await prepareCluster();
      const config = join(cluster.scratch, "config.yaml");
      const k3os = { k3s_args: SERVER_ARGS };
      const settings = { ssh_authorized_keys: [cluster.key.publicKey], hostname: "live", k3os };
      writeFileSync(config, JSON.stringify(settings)); // JSON is YAML
      const iso = join(cluster.scratch, "live.iso");
      const console = "console=ttyS0,115200";
      await runProgram(cmd`${EXECUTABLE} remaster ${ISO} ${iso} --config ${config} --cmdline ${console}`);
      // all that a system on a disk would write there is in memory
      await using machine = await startMachine({ name: "cluster-live", memory: 4096, cdrom: iso, ssh: true });
      await machine.console.expect(/k3OS LiveCD & Installer/, { timeout: 4 * MINUTE });
      machine.console.send("\r");
      const target = await reachNode(machine, cluster.key);
      await waitUntilApplied(target);
      const node = nodeOf(machine, target);
      await node.ready("live");
      const { metadata, status } = JSON.parse(await node.kubectl("get node live -o json"));
      expect(metadata.labels["k3os.io/mode"]).toBe("live");
      expect(status.nodeInfo.kubeletVersion).toBe(K3S);

      const args = [...SERVER_ARGS, "--kubelet-arg=max-pods=42"];
      const later = JSON.stringify({ k3os: { k3s_args: args } });
      await node.put("/var/lib/rancher/k3os/config.d/later.yaml", Buffer.from(later));
      await node.run("sudo k3os config --install");
      await node.wait("node/live", "jsonpath={.status.capacity.pods}=42");
      const found = JSON.parse(await node.run("sudo k3os status --json"));
      expect(found).toMatchObject({ mode: "live", k3s: { role: "server" }, notApplied: [] });
    },
    40 * MINUTE,
  );
});
