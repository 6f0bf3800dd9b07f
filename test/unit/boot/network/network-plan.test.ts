import { describe, expect, test } from "bun:test";
import type { Card } from "../../../../lib/boot/network/cards.ts";
import { planNetwork, requiredDevices } from "../../../../lib/boot/network/network-plan.ts";
import { networkWords } from "../../../../lib/boot/network/words.ts";

const ETH0: Card = { name: "eth0", mac: "52:54:00:00:00:01", link: true };
const ETH1: Card = { name: "eth1", mac: "52:54:00:00:00:02", link: true };
const ETH2: Card = { name: "eth2", mac: "52:54:00:00:00:03", link: false };
const CARDS = [ETH0, ETH1, ETH2];

/** The plan in short: `DEVICE METHOD [ADDRESS]`. */
function plan(cmdline: string, cards: readonly Card[] = CARDS) {
  const { links, vlans, problems } = planNetwork(networkWords(cmdline), cards);
  const shown = links.map(({ device, method, address }) => {
    return [device, method, ...(address === undefined ? [] : [`${address.ip}/${address.prefix}`])].join(" ");
  });
  return { links: shown, vlans: vlans.map(({ device }) => device), problems };
}

describe("planNetwork()", () => {
  test.each<[string, string, string[]]>([
    ["asks DHCP on every card with a link", "", ["eth0 dhcp", "eth1 dhcp"]],
    ["does so for ip=dhcp, too", "ip=dhcp", ["eth0 dhcp", "eth1 dhcp"]],
    ["takes the card that was booted from", "BOOTIF=01-52-54-00-00-00-02", ["eth1 dhcp"]],
    ["takes it though it has no link yet", "BOOTIF=01-52-54-00-00-00-03 ip=dhcp", ["eth2 dhcp"]],
    ["forgets a booted card that is not there", "BOOTIF=01-52-54-00-00-00-09", ["eth0 dhcp", "eth1 dhcp"]],
    ["takes the card that is named", "BOOTIF=01-52-54-00-00-00-02 ip=eth2:dhcp", ["eth2 dhcp"]],
    [
      "gives an address to the card that is named",
      "ip=10.0.0.5:::24::eth1:none",
      ["eth1 static 10.0.0.5/24"],
    ],
    ["gives it to the first card with a link", "ip=10.0.0.5:::24::::", ["eth0 static 10.0.0.5/24"]],
    ["gives it to the booted card", "ip=10.0.0.5:::24 BOOTIF=52:54:00:00:00:02", ["eth1 static 10.0.0.5/24"]],
    ["takes several", "ip=eth0:dhcp ip=10.0.0.5:::24::eth1:none", ["eth0 dhcp", "eth1 static 10.0.0.5/24"]],
    ["takes IPv6 beside IPv4", "ip=eth0:dhcp ip=eth0:auto6", ["eth0 dhcp", "eth0 auto6"]],
    [
      "takes the last of two for one protocol",
      "ip=eth0:dhcp ip=10.0.0.5:::24::eth0:none",
      ["eth0 static 10.0.0.5/24"],
    ],
    ["does nothing for ip=off", "ip=off", []],
    ["asks over a VLAN alone", "vlan=eth1.5:eth1", ["eth1.5 dhcp"]],
    ["gives an address to a VLAN", "vlan=lan7:eth1 ip=10.0.0.5:::24::lan7:none", ["lan7 static 10.0.0.5/24"]],
  ])("%s", (_, cmdline, links) => {
    expect(plan(cmdline).links).toEqual(links);
    expect(plan(cmdline).problems).toEqual([]);
  });

  test("makes the VLANs that are asked for", () => {
    expect(plan("ip=eth0.5:dhcp").vlans).toEqual(["eth0.5"]);
  });

  test("names the cards that there are where one is missing", () => {
    const all = "eth0 (52:54:00:00:00:01), eth1 (52:54:00:00:00:02), eth2 (52:54:00:00:00:03, no link)";
    expect(plan("ip=enp1s0:dhcp")).toEqual({
      ...{ links: [], vlans: [] },
      problems: [`there is no network card "enp1s0"; there is ${all}`],
    });
    expect(plan("ip=enp1s0.5:dhcp").problems[0]).toBe(
      `enp1s0.5 cannot be made: there is no network card "enp1s0"; there is ${all}`,
    );
  });

  test("goes on with what is there where another card is missing", () => {
    const { links, problems } = plan("ip=eth0:dhcp ip=eth9:dhcp");
    expect(links).toEqual(["eth0 dhcp"]);
    expect(problems).toHaveLength(1);
  });
});

test("requiredDevices() are the cards below, each once", () => {
  const words = networkWords(
    "vlan=eth1.5:eth1 ip=eth1.5:dhcp ip=eth0:dhcp ip=eth0:auto6 ip=dhcp ip=eth4:off",
  );
  expect(requiredDevices(words)).toEqual(["eth1", "eth0"]);
});
