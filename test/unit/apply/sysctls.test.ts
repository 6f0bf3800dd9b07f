import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { sysctls } from "../../../lib/apply/sysctls.ts";
import { sysctlPath } from "../../../lib/tools/node/sysctl-path.ts";
import { testHost } from "../../support/host.ts";
import { outcome } from "../../support/outcome.ts";
import { treeOf } from "../../support/tree.ts";

const DROP_IN = "/etc/sysctl.d/95-k3os-config.conf";
const FILES = { "/proc/sys/kernel/printk": "4\t4\t1\t7\n", "/proc/sys/vm/swappiness": "60\n" };

describe("sysctls", () => {
  test("writes the kernel's files, and a drop-in for what sets them later", async () => {
    using host = testHost({ files: FILES });
    await sysctls.apply({ k3os: { sysctls: { "vm.swappiness": "10", "kernel.printk": "3 4 1 7" } } }, host);
    expect(readFileSync(`${host.root}/proc/sys/vm/swappiness`, "utf8")).toBe("10\n");
    expect(readFileSync(`${host.root}/proc/sys/kernel/printk`, "utf8")).toBe("3 4 1 7\n");
    expect(readFileSync(host.root + DROP_IN, "utf8")).toBe("vm/swappiness = 10\nkernel/printk = 3 4 1 7\n");
  });

  test("changes nothing that is set already", async () => {
    using host = testHost({ files: FILES });
    const config = { k3os: { sysctls: { "kernel.printk": "4 4 1 7" } } };
    await sysctls.apply(config, host);
    const before = treeOf(host.root);
    await sysctls.apply(config, host);
    expect(treeOf(host.root)).toEqual(before);
    expect(readFileSync(`${host.root}/proc/sys/kernel/printk`, "utf8")).toBe(
      FILES["/proc/sys/kernel/printk"],
    );
  });

  test("goes on after an unknown setting, and names it", async () => {
    using host = testHost({ files: FILES });
    const config = { k3os: { sysctls: { "vm.none": "1", "vm.swappiness": "10" } } };
    const message = await outcome(sysctls, config, host);
    expect(message).toContain("k3os.sysctls[vm.none]: The kernel has no such setting");
    expect(readFileSync(`${host.root}/proc/sys/vm/swappiness`, "utf8")).toBe("10\n");
    expect(existsSync(`${host.root}/proc/sys/vm/none`)).toBe(false);
  });

  test.each([
    "net.ipv4.conf.eth9.rp_filter",
    "net.ipv6.neigh.eth0/100.gc_stale_time",
    "net.bridge.bridge-nf-call-iptables",
    "net.netfilter.nf_conntrack_max",
    "net.nf_conntrack_max",
  ])("leaves %s, which may appear later, to udev", async (key) => {
    using host = testHost({ files: FILES });
    expect(await outcome(sysctls, { k3os: { sysctls: { [key]: "1", "vm.swappiness": "10" } } }, host)).toBe(
      "",
    );
    expect(readFileSync(host.root + DROP_IN, "utf8")).toContain(`${sysctlPath(key)} = 1\n`);
    expect(host.logged).toContain(
      `debug: k3os.sysctls[${key}]: the kernel has no such setting yet: set when it appears`,
    );
  });

  test("does not say that it would set what is not there yet", async () => {
    using host = testHost({ files: { [DROP_IN]: "net/ipv4/conf/eth9/rp_filter = 1\n" } });
    const config = { k3os: { sysctls: { "net.ipv4.conf.eth9.rp_filter": "1" } } };
    await sysctls.apply(config, { ...host, dryRun: true });
    expect(host.logged.filter((line) => !line.startsWith("debug: "))).toEqual([]);
  });

  test("writes a setting of an interface that is there", async () => {
    using host = testHost({ files: { "/proc/sys/net/ipv4/conf/eth0/rp_filter": "0\n" } });
    await sysctls.apply({ k3os: { sysctls: { "net.ipv4.conf.eth0.rp_filter": "2" } } }, host);
    expect(readFileSync(`${host.root}/proc/sys/net/ipv4/conf/eth0/rp_filter`, "utf8")).toBe("2\n");
  });

  test("removes the drop-in with the last setting", async () => {
    using host = testHost({ files: { [DROP_IN]: "vm/swappiness = 10\n" } });
    await sysctls.apply({}, host);
    expect(existsSync(host.root + DROP_IN)).toBe(false);
  });

  test("refuses a line break in a value", async () => {
    using host = testHost({ files: FILES });
    const message = await outcome(sysctls, { k3os: { sysctls: { "vm.swappiness": "1\nx = 2" } } }, host);
    expect(message).toContain("k3os.sysctls[vm.swappiness]: Found a line break");
    expect(readFileSync(`${host.root}/proc/sys/vm/swappiness`, "utf8")).toBe("60\n");
    expect(existsSync(host.root + DROP_IN)).toBe(false);
  });
});
