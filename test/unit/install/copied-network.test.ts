import { describe, expect, test } from "bun:test";
import { copyNetwork, fixedInterfaces } from "../../../lib/install/copied-network.ts";
import { testHost } from "../../support/host.ts";

const ADDRESS = { family: "inet", local: "192.0.2.10", prefixlen: 24, scope: "global" };
const ETH0 = { ifname: "eth0", link_type: "ether", address: "52:54:00:12:34:56", addr_info: [ADDRESS] };
const ROUTE = { dst: "default", gateway: "192.0.2.1", dev: "eth0" };

function interfaces(addresses: readonly object[], routes4 = [ROUTE], routes6: (typeof ROUTE)[] = []) {
  return fixedInterfaces({ addresses: addresses as (typeof ETH0)[], routes4, routes6 });
}

describe("fixedInterfaces()", () => {
  test("takes a fixed address with the gateway of its interface", () => {
    expect(interfaces([ETH0])).toEqual([
      {
        name: "eth0",
        mac: ETH0.address,
        ipv4: { address: "192.0.2.10", prefix: 24 },
        gateway4: "192.0.2.1",
        ipv6: undefined,
        gateway6: undefined,
        problems: [],
      },
    ]);
  });

  test("leaves out what DHCP gave, link-local addresses, loopback and what programs made", () => {
    const dynamic = { ...ETH0, addr_info: [{ ...ADDRESS, dynamic: true }] };
    const local = { ...ETH0, addr_info: [{ ...ADDRESS, family: "inet6", local: "fe80::1", scope: "link" }] };
    const loopback = { ...ETH0, ifname: "lo", link_type: "loopback" };
    const docker = { ...ETH0, ifname: "docker0" };
    expect(interfaces([dynamic, local, loopback, docker])).toEqual([]);
  });

  test("takes IPv6 beside IPv4", () => {
    const six = { family: "inet6", local: "2001:db8::10", prefixlen: 64, scope: "global" };
    const route = { dst: "default", gateway: "2001:db8::1", dev: "eth0" };
    const [found] = interfaces([{ ...ETH0, addr_info: [ADDRESS, six] }], [ROUTE], [route]);
    expect(found).toMatchObject({ ipv6: { address: "2001:db8::10", prefix: 64 }, gateway6: "2001:db8::1" });
  });

  test("says what cannot be carried over", () => {
    const more = { ...ETH0, addr_info: [ADDRESS, { ...ADDRESS, local: "192.0.2.11" }] };
    expect(interfaces([more])[0]?.problems[0]).toContain('another address, "192.0.2.11"');
    const outside = [{ ...ROUTE, gateway: "172.31.1.1" }];
    expect(interfaces([ETH0], outside)[0]?.problems[0]).toContain("a gateway outside of its network");
  });
});

test("copyNetwork() asks behind a local stub for the real name servers", async () => {
  using host = testHost({
    files: {
      "/etc/resolv.conf": "nameserver 127.0.0.53\n",
      "/run/systemd/resolve/resolv.conf": "nameserver 192.0.2.53\nnameserver fe80::1%eth0\n",
    },
    answer: (argv) => ({
      stdout: JSON.stringify(argv.includes("address") ? [ETH0] : argv.includes("-4") ? [ROUTE] : []),
    }),
  });
  const { config, summary, problems } = await copyNetwork(host);
  expect(config).toStartWith("[global]\nName=copied\n");
  expect(config).toContain("\nMAC=52:54:00:12:34:56\nIPv4=192.0.2.10/255.255.255.0/192.0.2.1\n");
  expect(config).toContain("\nNameservers=192.0.2.53\n");
  expect(summary).toEqual(["eth0: 192.0.2.10/24 by 192.0.2.1"]);
  expect(problems).toEqual([]);
});

test("copyNetwork() has nothing to write where DHCP gives everything", async () => {
  using host = testHost();
  expect(await copyNetwork(host)).toEqual({ config: undefined, summary: ["DHCP, as now"], problems: [] });
});
