import { describe, expect, test } from "bun:test";
import { readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { type NetworkPair, networkPair } from "../support/network-pair.ts";

/**
 * The network of the first stage of a boot, with busybox's programs and a real kernel: virtual cables, and servers of
 * DHCP at their other end.
 */

/** A DHCP server at the other end of a cable, in the network 10.9.N.0/24. */
function serveDhcp(pair: NetworkPair, at: number, options: readonly string[] = []): void {
  pair.there("ip", "address", "add", `10.9.${at}.1/24`, "dev", `peer${at}`);
  const lines = [
    ...[`start 10.9.${at}.20`, `end 10.9.${at}.29`, `interface peer${at}`, "max_leases 10"],
    ...[`lease_file ${pair.write(`leases${at}`, "")}`, `pidfile ${pair.root}/udhcpd${at}.pid`],
    ...["opt subnet 255.255.255.0", `opt router 10.9.${at}.1`, `opt dns 10.9.${at}.53`, ...options],
  ];
  pair.serve("busybox", "udhcpd", "-f", "-S", pair.write(`udhcpd${at}.conf`, `${lines.join("\n")}\n`));
}

/** A router and DHCPv6 server at the other end of the first cable; `range` as dnsmasq(8) takes it. */
function serveIpv6(pair: NetworkPair, range: string): void {
  pair.there("ip", "address", "add", "2001:db8::1/64", "dev", "peer0", "nodad");
  const options = [
    ...[
      "--keep-in-foreground",
      "--conf-file=/dev/null",
      "--interface=peer0",
      "--bind-interfaces",
      "--port=0",
    ],
    ...["--enable-ra", `--dhcp-range=${range}`, "--dhcp-option=option6:dns-server,[2001:db8::53]"],
    ...[`--pid-file=${pair.root}/dnsmasq.pid`, `--dhcp-leasefile=${pair.root}/leases`],
  ];
  pair.serve("dnsmasq", ...options);
}

function resolver({ root }: NetworkPair): string {
  return readFileSync(join(root, "run/connman/resolv.conf"), "utf8");
}

describe("the network of a boot", () => {
  test("comes by DHCP on a card with a link, among others without", () => {
    using pair = networkPair({ cables: 2 });
    pair.there("ip", "link", "set", "peer0", "down");
    serveDhcp(pair, 1);
    const log = pair.bringUp("quiet k3os.mode=install");
    expect(log).toMatch(
      /^eth1 has 10\.9\.1\.2\d\/24 \(DHCP\), gateway 10\.9\.1\.1, name servers 10\.9\.1\.53$/m,
    );
    expect(pair.here("ip", "route", "show", "default")).toContain("default via 10.9.1.1 dev eth1");
    expect(pair.here("busybox", "ping", "-c1", "-W5", "10.9.1.1")).toContain(" 0% packet loss");
    expect(resolver(pair)).toBe("nameserver 10.9.1.53\nnameserver 192.0.2.99\n");
    expect(readlinkSync(join(pair.root, "etc/resolv.conf"))).toBe("/run/connman/resolv.conf");
  });

  test("comes by DHCP on the card that was booted from, with routes and an MTU", () => {
    using pair = networkPair({ cables: 2 });
    serveDhcp(pair, 0);
    serveDhcp(pair, 1, ["opt mtu 1400", "opt staticroutes 10.7.0.0/16 10.9.1.7, 0.0.0.0/0 10.9.1.1"]);
    const mac = pair.here("cat", `${pair.root}/sys/class/net/eth1/address`);
    pair.bringUp(`BOOTIF=01-${mac.trim().replaceAll(":", "-")}`);
    expect(pair.here("ip", "-4", "-brief", "address", "show", "eth0")).not.toContain("10.9.");
    expect(pair.here("ip", "link", "show", "eth1")).toContain("mtu 1400");
    expect(pair.here("ip", "route")).toContain("10.7.0.0/16 via 10.9.1.7 dev eth1");
  });

  test("has fixed addresses", () => {
    using pair = networkPair({ cables: 2 });
    pair.there("ip", "address", "add", "172.31.1.1/32", "dev", "peer0");
    pair.there("ip", "route", "add", "10.9.0.5", "dev", "peer0");
    const words = "ip=10.9.0.5::172.31.1.1:32:node-1:eth0:none:9.9.9.9:1.1.1.1 nameserver=8.8.8.8";
    const log = pair.bringUp(`${words} ip=[2001:db8::5]::[2001:db8::1]:64::eth1:none`);
    expect(log).toContain(
      "eth0 has 10.9.0.5/32 (static), gateway 172.31.1.1, name servers 8.8.8.8 9.9.9.9 1.1.1.1\n",
    );
    expect(pair.here("busybox", "ping", "-c1", "-W5", "172.31.1.1")).toContain(" 0% packet loss");
    expect(pair.here("ip", "-6", "route", "show", "default")).toContain("via 2001:db8::1 dev eth1");
    expect(resolver(pair)).toBe(
      ["8.8.8.8", "9.9.9.9", "1.1.1.1", "192.0.2.99"].map((server) => `nameserver ${server}\n`).join(""),
    );
  });

  test("comes from an IPv6 router, with the name servers of DHCPv6", () => {
    using pair = networkPair({ cables: 1 });
    serveIpv6(pair, "2001:db8::,ra-stateless");
    expect(pair.bringUp("ip=eth0:auto6")).toMatch(
      /^eth0 has 2001:db8::.*\/64 \(IPv6 router\), name servers 2001:db8::53$/m,
    );
    expect(pair.here("busybox", "ping", "-6", "-c1", "-W5", "2001:db8::1")).toContain(" 0% packet loss");
  });

  test("comes from a DHCPv6 server", () => {
    using pair = networkPair({ cables: 1 });
    serveIpv6(pair, "2001:db8::100,2001:db8::1ff");
    expect(pair.bringUp("ip=eth0:dhcp6")).toMatch(
      /^eth0 has 2001:db8::1\w\w\/128 \(DHCPv6\), name servers 2001:db8::53$/m,
    );
    expect(pair.here("busybox", "ping", "-6", "-c1", "-W5", "2001:db8::1")).toContain(" 0% packet loss");
  });

  test("says why there is none", () => {
    using pair = networkPair({ cables: 1 });
    expect(pair.bringUp("ip=enp1s0:dhcp", "hurried")).toContain(
      'Error: The network cannot be set up: there is no network card "enp1s0"; there is eth0 (',
    );
    pair.there("ip", "link", "set", "peer0", "down");
    expect(pair.bringUp("", "hurried")).toMatch(/^Error: No network card has a link: eth0 \(.*, no link\)$/m);
  });
});
