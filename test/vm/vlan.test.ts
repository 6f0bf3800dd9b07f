import { expect, test } from "bun:test";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { serveFiles } from "../../lib/make/vm/http-server.ts";
import { HOST_ADDRESS } from "../../lib/make/vm/qemu.ts";
import { bootDisk, createHardware, within } from "../../lib/make/vm/virtual-node.ts";
import { GIB } from "../../lib/tools/fs/size.ts";
import { ARTIFACTS } from "../support/image.ts";
import { describeLong } from "../support/left-out.ts";
import { bootKernel } from "../support/state-disk.ts";
import { startVlanSwitch, type VlanSwitch } from "../support/vlan-switch.ts";

const MINUTE = 60_000;
const VLAN = 5;
const ISO = "k3os-amd64.iso";
const RELEASE = [ISO, "sha256sum-amd64.txt", "sha256sum-amd64.txt.minisig"];
const CONFIG = "hostname: from-vlan\nk3os: {k3s_args: [agent]}\n";

/** The key that the artifacts are signed with. */
const key = readFileSync(join(ARTIFACTS, "k3os.pub"), "utf8").trim().split("\n").at(-1) ?? "";

/** A second card on the switch's trunk; QEMU's own network, with DHCP, is at its access port. */
function cardOnTrunk({ trunk, access }: VlanSwitch): string[] {
  return [
    ...["-netdev", `socket,id=trunk,connect=127.0.0.1:${trunk}`],
    ...["-device", "virtio-net-pci,netdev=trunk,romfile="],
    ...["-netdev", "user,id=lan", "-netdev", "hubport,id=lan-port,hubid=0,netdev=lan"],
    ...["-netdev", `socket,id=access,connect=127.0.0.1:${access}`],
    ...["-netdev", "hubport,id=access-port,hubid=0,netdev=access"],
  ];
}

describeLong("kernel and initrd alone, whose only way to a server is a VLAN of the second card", () => {
  test(
    "install the ISO, with a configuration that the installer fetches over the VLAN, too",
    async () => {
      const files = RELEASE.map((name) => [`/${name}`, { file: join(ARTIFACTS, name) }] as const);
      await using server = await serveFiles({ ...Object.fromEntries(files), "/node.yaml": CONFIG });
      await using vlan = await startVlanSwitch(VLAN);
      const base = `http://${HOST_ADDRESS}:${server.port}`;
      const hardware = createHardware("vlan", { firmware: "bios" }, 4 * GIB);
      {
        await using machine = await bootKernel({
          ...{ name: "vlan-install", memory: 2048, disks: [hardware.disk] },
          ...{ network: "silent", extra: cardOnTrunk(vlan) },
          words: [
            ...["k3os.mode=install", "k3os.install.silent", "k3os.install.device=/dev/vda"],
            ...["k3os.install.power_off=true", "k3os.install.tty=ttyS0"],
            ...[`k3os.install.iso_url=${base}/${ISO}`, `k3os.install.release_keys=${key}`],
            ...[`k3os.install.config_url=${base}/node.yaml`],
            ...["vlan=eth1.5:eth1", "ip=eth1.5:dhcp"],
          ],
        });
        await machine.console.expect(/eth1\.5 has 10\.0\.2\.15\/24 \(DHCP\), gateway 10\.0\.2\.2/, {
          timeout: 4 * MINUTE,
        });
        await machine.console.expect(/is installed on \/dev\/vda/, { timeout: 20 * MINUTE });
        await within(machine.exited, 4 * MINUTE, "The machine did not power off");
      }
      const fetched = server.requests.filter((path) => !path.includes("sha256sum"));
      expect(new Set(fetched)).toEqual(new Set([`/${ISO}`, "/node.yaml"]));
      expect(vlan.counts.passed).toBeGreaterThan(1000); // the requests, and acknowledgements of 300,000 packets
      await using machine = await bootDisk(hardware, { boot: "disk" });
      await machine.console.expect(/from-vlan login: /, { timeout: 10 * MINUTE });
      rmSync(hardware.disk);
    },
    40 * MINUTE,
  );
});
