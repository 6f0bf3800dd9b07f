import { describe, expect, test } from "bun:test";
import { type IpWord, networkWords } from "../../../../lib/boot/network/words.ts";

const NOTHING: Omit<IpWord, "method"> = {
  ...{ device: undefined, address: undefined, gateway: undefined, hostname: undefined, mtu: undefined },
  nameservers: [],
};

describe("networkWords() reads ip=", () => {
  const cases: [string, Partial<IpWord>][] = [
    ["dhcp", { method: "dhcp" }],
    ["", { method: "dhcp" }],
    ["on", { method: "dhcp" }],
    ["any", { method: "dhcp" }],
    ["off", { method: "off" }],
    ["none", { method: "off" }],
    ["auto6", { method: "auto6" }],
    ["dhcp6", { method: "dhcp6" }],
    ["eth0:dhcp", { device: "eth0", method: "dhcp" }],
    ["eth0:dhcp6", { device: "eth0", method: "dhcp6" }],
    ["eth0:auto6", { device: "eth0", method: "auto6" }],
    ["eth0:on:9000", { device: "eth0", method: "dhcp", mtu: 9000 }],
    ["eth0:dhcp:1400:52:54:00:12:34:56", { device: "eth0", method: "dhcp", mtu: 1400 }],
    [":::::eth1:dhcp", { device: "eth1", method: "dhcp" }],
    ["::::node-1:eth1:dhcp", { device: "eth1", method: "dhcp", hostname: "node-1" }],
    ["::::::dhcp", { method: "dhcp" }],
    [
      "192.168.1.5::192.168.1.1:255.255.255.0::eth0:none",
      {
        device: "eth0",
        method: "static",
        address: { ip: "192.168.1.5", prefix: 24 },
        gateway: "192.168.1.1",
      },
    ],
    [
      "192.168.1.5:192.168.1.9:192.168.1.1:255.255.254.0:node-1:eth0:off:1.1.1.1:8.8.8.8:10.0.0.1",
      {
        ...{ device: "eth0", method: "static", address: { ip: "192.168.1.5", prefix: 23 } },
        ...{ gateway: "192.168.1.1", hostname: "node-1", nameservers: ["1.1.1.1", "8.8.8.8"] },
      },
    ],
    [
      "10.0.0.5::10.0.0.1:24:::off::9.9.9.9",
      {
        ...{ method: "static", address: { ip: "10.0.0.5", prefix: 24 }, gateway: "10.0.0.1" },
        nameservers: ["9.9.9.9"],
      },
    ],
    ["10.0.0.5", { method: "static", address: { ip: "10.0.0.5", prefix: 8 } }],
    ["172.16.0.5:", { method: "static", address: { ip: "172.16.0.5", prefix: 16 } }],
    ["192.168.0.5::::::static", { method: "static", address: { ip: "192.168.0.5", prefix: 24 } }],
    ["10.0.0.5::::::dhcp", { method: "dhcp" }],
    [
      "10.0.0.5::10.0.0.1:255.255.255.255::eth0:none:1400",
      {
        ...{ device: "eth0", method: "static", mtu: 1400 },
        ...{ address: { ip: "10.0.0.5", prefix: 32 }, gateway: "10.0.0.1" },
      },
    ],
    [
      "[2001:db8::5]::[2001:db8::1]:64::eth0:none:[2001:db8::53]",
      {
        ...{ device: "eth0", method: "static", nameservers: ["2001:db8::53"] },
        ...{ address: { ip: "2001:db8::5", prefix: 64 }, gateway: "2001:db8::1" },
      },
    ],
  ];
  test.each(cases)("%j", (value, wanted) => {
    const { interfaces, problems } = networkWords(`quiet ip=${value} k3os.mode=install`);
    expect(problems).toEqual([]);
    expect(interfaces).toEqual([{ ...NOTHING, ...wanted } as IpWord]);
  });

  test("several, in order", () => {
    const { interfaces } = networkWords("ip=eth0:dhcp ip=10.0.0.5::::::none");
    expect(interfaces.map(({ device, method }) => [device, method])).toEqual([
      ["eth0", "dhcp"],
      [undefined, "static"],
    ]);
  });

  test.each([
    ["eth0:maybe", 'found the method "maybe"'],
    ["ibft", 'found the method "ibft"'],
    ["10.0.0.5::10.0.0.1:255.0.255.0::eth0:none", 'found "255.0.255.0", expected a netmask'],
    ["10.0.0.5::10.0.0.1:33::eth0:none", 'found "33", expected a netmask'],
    ["10.0.0.5::gateway:24::eth0:none", 'found "gateway", expected an IP address'],
    ["10.0.0.5::10.0.0.1:24::a/b:none", 'found "a/b", expected the name of an interface'],
    ["10.0.0.5:::::eth0:none:dns", 'found "dns", expected an IP address'],
    ["10.0.0.555:::::eth0:none", 'found "10.0.0.555", expected an IP address'],
    ["constructor", 'found the method "constructor"'],
  ])("%j as a problem", (value, message) => {
    const { interfaces, problems } = networkWords(`ip=${value}`);
    expect(interfaces).toEqual([]);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toStartWith(`"ip=${value}": ${message}`);
  });
});

describe("networkWords() reads vlan=", () => {
  test.each([
    ["vlan=eth0.5:eth0", { device: "eth0.5", parent: "eth0", id: 5 }],
    ["vlan=eth0.0005:eth0", { device: "eth0.0005", parent: "eth0", id: 5 }],
    ["vlan=vlan7:eth1", { device: "vlan7", parent: "eth1", id: 7 }],
    ["vlan=vlan0007:eth1", { device: "vlan0007", parent: "eth1", id: 7 }],
    ["vlan=eth0.12", { device: "eth0.12", parent: "eth0", id: 12 }],
    ["ip=eth0.12:dhcp", { device: "eth0.12", parent: "eth0", id: 12 }],
    ["vlan=eth0.12:eth1 ip=eth0.12:dhcp", { device: "eth0.12", parent: "eth1", id: 12 }],
  ])("%j", (cmdline, vlan) => {
    expect(networkWords(cmdline).vlans).toEqual([vlan]);
  });

  test.each(["vlan=eth0.5000:eth0", "vlan=eth0.0:eth0", "vlan=lan:eth0", "vlan=5"])(
    "%j as a problem",
    (word) => {
      const { vlans, problems } = networkWords(word);
      expect(vlans).toEqual([]);
      expect(problems[0]).toStartWith(`"${word}": expected NAME:DEVICE`);
    },
  );
});

describe("networkWords() reads BOOTIF=", () => {
  test.each([
    ["01-52-54-00-12-AB-CD", "52:54:00:12:ab:cd"],
    ["52:54:00:12:ab:cd", "52:54:00:12:ab:cd"],
    ["52-54-00-12-ab-cd", "52:54:00:12:ab:cd"],
  ])("%j", (value, card) => {
    expect(networkWords(`BOOTIF=${value}`).bootCard).toBe(card);
  });

  test("as a problem where it is no address", () => {
    expect(networkWords("BOOTIF=eth0").problems[0]).toStartWith('"BOOTIF=eth0": expected the address');
  });
});

test("networkWords() reads nameserver=, and leaves the words of others", () => {
  const words = networkWords(
    "nameserver=1.1.1.1 nameserver=[2001:db8::53] ip xip=dhcp k3os.ip=dhcp nameserver=x",
  );
  expect(words.nameservers).toEqual(["1.1.1.1", "2001:db8::53"]);
  expect(words.interfaces).toEqual([]);
  expect(words.problems).toEqual(['"nameserver=x": found "x", expected an IP address']);
});
