import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { carriedNetwork, handOverNetwork } from "../../../../lib/boot/network/hand-over.ts";
import { planNetwork } from "../../../../lib/boot/network/network-plan.ts";
import { networkWords } from "../../../../lib/boot/network/words.ts";
import { testHost } from "../../../support/host.ts";

const CARDS = ["eth0", "eth1"].map((name) => ({ name, mac: "52:54:00:00:00:01", link: true }));

/** What a command line comes to where everything succeeds. */
function carried(cmdline: string): string | undefined {
  const { links } = planNetwork(networkWords(cmdline), CARDS);
  return carriedNetwork(links);
}

test("carriedNetwork() leaves to connman what DHCP has given", () => {
  expect(carried("ip=dhcp")).toBeUndefined();
  expect(carried("ip=eth0:auto6")).toBeUndefined();
  expect(carried("nameserver=9.9.9.9")).toContain("DeviceName=eth1\nNameservers=9.9.9.9\n");
});

test("carriedNetwork() tells connman of fixed addresses, and of name servers from the command line", () => {
  const text = carried(
    "ip=10.0.0.5::10.0.0.1:24::eth0.5:none:1.1.1.1 ip=[2001:db8::5]:::64::eth0.5:none ip=:::::eth1:dhcp:9.9.9.9",
  );
  expect(text).toContain(
    "[service_eth0_5]\nType=ethernet\nDeviceName=eth0.5\nIPv4=10.0.0.5/255.255.255.0/10.0.0.1\nIPv6=2001:db8::5/64/::\nNameservers=1.1.1.1\n",
  );
  expect(text).toContain("[service_eth1]\nType=ethernet\nDeviceName=eth1\nNameservers=9.9.9.9\n");
});

test("carriedNetwork() leaves out what names no interface, where no card was chosen", () => {
  const { interfaces } = networkWords("ip=10.0.0.5:::24 ip=10.0.0.6:::24::eth1:none");
  expect(carriedNetwork(interfaces)).toContain("IPv4=10.0.0.6/");
  expect(carriedNetwork(interfaces)).not.toContain("10.0.0.5");
});

test("handOverNetwork() leaves it where connman looks", () => {
  using host = testHost();
  handOverNetwork(host.root, "[global]\n");
  expect(readFileSync(join(host.root, "k3os/data/var/lib/connman/boot-network.config"), "utf8")).toBe(
    "[global]\n",
  );
});
