import { expect, test } from "bun:test";
import { type ConnmanService, connmanConfig, netmask } from "../../../../lib/tools/node/connman-config.ts";

const NOTHING: Omit<ConnmanService, "match"> = {
  ...{ ipv4: undefined, gateway4: undefined, ipv6: undefined, gateway6: undefined, nameservers: [] },
};

test("connmanConfig() has a section for each interface, by its hardware address or its name", () => {
  const text = connmanConfig(
    { name: "copied", description: "Addresses of the system that was here before" },
    [
      {
        ...NOTHING,
        match: { mac: "52:54:00:12:34:56" },
        ipv4: { address: "192.0.2.10", prefix: 24 },
        gateway4: "192.0.2.1",
        nameservers: ["192.0.2.53", "2001:db8::53"],
      },
      { ...NOTHING, match: { mac: "52:54:00:12:34:57" }, ipv4: { address: "192.0.2.10", prefix: 24 } },
      { ...NOTHING, match: { device: "eth0.5" }, ipv6: { address: "2001:db8::5", prefix: 64 } },
    ],
  );
  expect(text).toBe(
    [
      "[global]",
      "Name=copied",
      "Description=Addresses of the system that was here before",
      "",
      "[service_525400123456]",
      "Type=ethernet",
      "MAC=52:54:00:12:34:56",
      "IPv4=192.0.2.10/255.255.255.0/192.0.2.1",
      "Nameservers=192.0.2.53,2001:db8::53",
      "",
      "[service_525400123457]",
      "Type=ethernet",
      "MAC=52:54:00:12:34:57",
      "IPv4=192.0.2.10/255.255.255.0/0.0.0.0",
      "",
      "[service_eth0_5]",
      "Type=ethernet",
      "DeviceName=eth0.5",
      "IPv6=2001:db8::5/64/::",
      "",
    ].join("\n"),
  );
});

test.each([
  [0, "0.0.0.0"],
  [8, "255.0.0.0"],
  [20, "255.255.240.0"],
  [32, "255.255.255.255"],
] as const)("netmask(%d) is %s", (prefix, mask) => {
  expect(netmask(prefix)).toBe(mask);
});
