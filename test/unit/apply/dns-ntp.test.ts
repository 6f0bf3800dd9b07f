import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dnsNtp } from "../../../lib/apply/dns-ntp.ts";
import { testHost } from "../../support/host.ts";
import { outcome } from "../../support/outcome.ts";
import { treeOf } from "../../support/tree.ts";

const FILE = "/etc/connman/main.conf";
const TIMESYNC = "/etc/systemd/timesyncd.conf.d/50-k3os-config.conf";
const boot = dnsNtp({ restart: false });
const runtime = dnsNtp({ restart: true });

describe("dns and ntp", () => {
  test("keeps connman off the interfaces of Kubernetes, without any setting", async () => {
    using host = testHost();
    await boot.apply({}, host);
    const text = readFileSync(host.root + FILE, "utf8");
    const prefixes = /^NetworkInterfaceBlacklist=(.*)$/m.exec(text)?.[1]?.split(",");
    for (const name of ["veth12ab", "cni0", "flannel.1", "flannel-wg", "kube-ipvs0", "cali1234", "docker0"]) {
      expect(prefixes?.some((prefix) => name.startsWith(prefix))).toBe(true);
    }
    for (const name of ["eth0", "enp3s0", "wlan0", "bond0", "wlp2s0"]) {
      expect(prefixes?.some((prefix) => name.startsWith(prefix))).toBe(false);
    }
    expect(text).toContain("\nFallbackNameservers=8.8.8.8\n");
    expect(text).not.toContain("FallbackTimeservers");
  });

  test("writes the servers, to be asked where no others are known", async () => {
    using host = testHost();
    const k3os = { dnsNameservers: ["1.1.1.1", "fd00::1"], ntpServers: ["a.example", "b.example"] };
    await boot.apply({ k3os }, host);
    const text = readFileSync(host.root + FILE, "utf8");
    expect(text).toContain("\nFallbackNameservers=1.1.1.1,fd00::1\n");
    expect(text).toContain("\nFallbackTimeservers=a.example,b.example\n");
    expect(readFileSync(host.root + TIMESYNC, "utf8")).toBe("[Time]\nFallbackNTP=a.example b.example\n");
    await boot.apply({}, host);
    expect(existsSync(host.root + TIMESYNC)).toBe(false);
  });

  test("restarts the services in the runtime phase, only on a change", async () => {
    using host = testHost();
    const config = { k3os: { dnsNameservers: ["1.1.1.1"] } };
    await boot.apply(config, host);
    await runtime.apply(config, host);
    expect(host.programs).toHaveLength(0);
    const before = treeOf(host.root);
    await runtime.apply(config, host);
    expect(treeOf(host.root)).toEqual(before);
    await runtime.apply({ k3os: { dnsNameservers: ["9.9.9.9"], ntpServers: ["a.example"] } }, host);
    expect(host.programs.map(({ argv }) => argv.join(" "))).toEqual([
      "systemctl try-reload-or-restart connman.service",
      "systemctl try-reload-or-restart systemd-timesyncd.service",
    ]);
  });

  test.each(["1.1.1.1\nx=y", "a b", "a,b", ""])(
    "leaves out the server %p, and keeps the others",
    async (bad) => {
      using host = testHost();
      const message = await outcome(boot, { k3os: { dnsNameservers: [bad, "1.1.1.1"] } }, host);
      expect(message).toContain("k3os.dns_nameservers[0]: ");
      expect(readFileSync(host.root + FILE, "utf8")).toContain("\nFallbackNameservers=1.1.1.1\n");
    },
  );
});
