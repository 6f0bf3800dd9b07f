import { describe, expect, test } from "bun:test";
import { configure, parseAddresses } from "../../../../lib/boot/network/interface.ts";
import { planNetwork } from "../../../../lib/boot/network/network-plan.ts";
import { networkWords } from "../../../../lib/boot/network/words.ts";
import { testHost } from "../../../support/host.ts";

const PATIENCE = { tries: 5, seconds: 2 };
const LEASE = "interface=eth0\0ip=10.0.2.15\0mask=24\0router=10.0.2.2\0dns=10.0.2.3\0";

/** The programs that are run for a command line, on a card `eth0`, but for DHCP itself. */
async function programs(cmdline: string, lease = LEASE): Promise<string[]> {
  using host = testHost({ answer: (argv) => ({ stdout: argv.includes("udhcpc") ? lease : "" }) });
  const [link] = planNetwork(networkWords(cmdline), [{ name: "eth0", mac: "", link: true }]).links;
  if (link === undefined) throw new Error("Nothing is planned");
  await configure(link, PATIENCE, host);
  return host.programs
    .map(({ argv }) => argv.slice(1).join(" "))
    .filter((line) => !line.startsWith("udhcpc"));
}

describe("configure()", () => {
  test("gives a fixed address and a gateway", async () => {
    expect(await programs("ip=10.0.0.5::10.0.0.1:24::eth0:none:9.9.9.9")).toEqual([
      "ip address add 10.0.0.5/24 broadcast + dev eth0",
      "ip route replace 10.0.0.1 dev eth0",
      "ip route replace default via 10.0.0.1 dev eth0",
    ]);
  });

  test("gives a fixed address of IPv6", async () => {
    expect(await programs("ip=[2001:db8::5]::[2001:db8::1]:64::eth0:none")).toEqual([
      "ip address add 2001:db8::5/64 dev eth0",
      "ip -6 route replace 2001:db8::1 dev eth0",
      "ip -6 route replace default via 2001:db8::1 dev eth0",
    ]);
  });

  test("applies a lease, its MTU and routes without a gateway", async () => {
    expect(await programs("ip=eth0:dhcp", `${LEASE}mtu=1400\0staticroutes=10.7.0.0/16 0.0.0.0\0`)).toEqual([
      "ip link set dev eth0 mtu 1400",
      "ip address add 10.0.2.15/24 broadcast + dev eth0",
      "ip route replace 10.7.0.0/16 dev eth0",
    ]);
  });

  test("prefers an MTU that was asked for", async () => {
    const [first] = await programs("ip=eth0:dhcp:9000", `${LEASE}mtu=1400\0`);
    expect(first).toBe("ip link set dev eth0 mtu 9000");
  });

  test("tells a DHCP server the name, and puts the name servers of the command line first", async () => {
    using host = testHost({ answer: () => ({ stdout: LEASE }) });
    const words = networkWords("ip=::::node-1:eth0:dhcp:9.9.9.9");
    const [link] = planNetwork(words, [{ name: "eth0", mac: "", link: true }]).links;
    if (link === undefined) throw new Error("Nothing is planned");
    const { addresses, gateway, nameservers } = await configure(link, PATIENCE, host);
    expect(host.programs[0]?.argv.join(" ")).toBe(
      "/bin/busybox udhcpc -f -n -q -i eth0 -s /bin/cat -t 5 -T 2 -x hostname:node-1",
    );
    expect({ addresses, gateway, nameservers }).toEqual({
      ...{ addresses: ["10.0.2.15/24"], gateway: "10.0.2.2", nameservers: ["9.9.9.9", "10.0.2.3"] },
    });
  });

  test("says on which interface nobody answered", async () => {
    using host = testHost({ answer: () => ({ code: 1 }) });
    const [link] = planNetwork(networkWords("ip=eth0:dhcp"), [{ name: "eth0", mac: "", link: true }]).links;
    if (link === undefined) throw new Error("Nothing is planned");
    await expect(configure(link, PATIENCE, host)).rejects.toThrow("eth0: no DHCP server answered");
  });
});

test("parseAddresses() finds what may be used of an interface, by scope", () => {
  const text = [
    "00000000000000000000000000000001 01 80 10 80       lo",
    "fe800000000000005054000000000001 02 40 20 80     eth0",
    "20010db8000000000000000000000005 02 40 00 00     eth0",
    "20010db8000000000000000000000006 02 40 00 40     eth0", // tentative
    "20010db8000000000000000000000007 03 40 00 00     eth1",
    "",
  ].join("\n");
  expect(parseAddresses(text, "eth0", "global")).toEqual(["2001:db8::5/64"]);
  expect(parseAddresses(text, "eth0", "link")).toEqual(["fe80::5054:0:0:1/64"]);
});
