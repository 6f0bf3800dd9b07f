import { describe, expect, test } from "bun:test";
import { parseLease } from "../../../../lib/boot/network/lease.ts";

/** What busybox puts into the environment of its script. */
const BOUND = {
  ...{
    PATH: "/bin",
    interface: "eth0",
    ip: "10.0.2.15",
    subnet: "255.255.255.0",
    mask: "24",
    router: "10.0.2.2",
  },
  ...{ dns: "10.0.2.3 9.9.9.9", ntpsrv: "10.0.2.4", serverid: "10.0.2.2", lease: "86400", hostname: "a=b" },
};

function lease(changes: Readonly<Record<string, string>>) {
  const values = Object.entries({ ...BOUND, ...changes });
  return parseLease(values.map(([name, value]) => `${name}=${value}\0`).join(""));
}

describe("parseLease()", () => {
  test("reads address, gateway and servers", () => {
    expect(lease({})).toEqual({
      address: { ip: "10.0.2.15", prefix: 24 },
      routes: [{ to: "default", via: "10.0.2.2" }],
      nameservers: ["10.0.2.3", "9.9.9.9"],
      timeservers: ["10.0.2.4"],
      mtu: undefined,
    });
  });

  test("takes classless routes in the place of the gateway", () => {
    const staticroutes = "10.7.0.0/16 10.0.2.9 169.254.169.254/32 0.0.0.0 0.0.0.0/0 10.0.2.1";
    expect(lease({ staticroutes })?.routes).toEqual([
      { to: "10.7.0.0/16", via: "10.0.2.9" },
      { to: "169.254.169.254/32", via: undefined },
      { to: "default", via: "10.0.2.1" },
    ]);
  });

  test("leaves out what is no address", () => {
    const found = lease({
      ...{ router: "dev;reboot 10.0.2.1", dns: "x 10.0.2.3 -f", ntpsrv: "pool", mask: "99", mtu: "20" },
      staticroutes: "10.0.0.0/8 via 10.0.0.0/8",
    });
    expect(found).toEqual({
      address: { ip: "10.0.2.15", prefix: 32 },
      routes: [{ to: "default", via: "10.0.2.1" }],
      ...{ nameservers: ["10.0.2.3"], timeservers: [], mtu: undefined },
    });
  });

  test("reads a lease of DHCPv6, and one of servers alone", () => {
    expect(lease({ ip: "", router: "", ipv6: "2001:0db8:0:0:0:0:0:5", dns: "2001:0db8::53" })).toMatchObject({
      address: { ip: "2001:db8::5", prefix: 128 },
      ...{ routes: [], nameservers: ["2001:db8::53"] },
    });
    expect(lease({ ip: "", router: "" })?.address).toBeUndefined();
  });

  test("takes an MTU", () => {
    expect(lease({ mtu: "1400" })?.mtu).toBe(1400);
  });

  test("is undefined where there is none", () => {
    expect(parseLease("")).toBeUndefined();
    expect(parseLease("PATH=/bin\0")).toBeUndefined();
  });
});
