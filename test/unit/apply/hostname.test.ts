import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { hostname, renameInHosts } from "../../../lib/apply/hostname.ts";
import { PATH } from "../../../lib/tools/host/paths.ts";
import { type TestHost, testHost } from "../../support/host.ts";
import { outcome } from "../../support/outcome.ts";
import { treeOf } from "../../support/tree.ts";

const FILES = {
  "/proc/sys/kernel/hostname": "(none)\n",
  "/etc/hosts": "127.0.0.1\tlocalhost\n127.0.1.1\told old.localdomain\n",
};

const boot = hostname({ dhcp: false });
const runtime = hostname({ dhcp: true });

describe("hostname", () => {
  test("names the kernel, /etc/hostname and 127.0.1.1", async () => {
    using host = testHost({ files: FILES });
    await boot.apply({ hostname: " node-1 " }, host);
    expect(readFileSync(`${host.root}/proc/sys/kernel/hostname`, "utf8")).toBe("node-1");
    expect(readFileSync(`${host.root}/etc/hostname`, "utf8")).toBe("node-1\n");
    expect(readFileSync(`${host.root}/etc/hosts`, "utf8")).toBe(
      "127.0.0.1\tlocalhost\n127.0.1.1\tnode-1 node-1.localdomain\n",
    );
  });

  test("needs no /etc/hosts, which the early boot does not have", async () => {
    using host = testHost();
    await boot.apply({ hostname: "node-1" }, host);
    expect(existsSync(`${host.root}/etc/hosts`)).toBe(false);
  });

  test("changes nothing the second time", async () => {
    using host = testHost({ files: FILES });
    await boot.apply({ hostname: "node-1" }, host);
    const before = treeOf(host.root);
    await boot.apply({ hostname: "node-1" }, host);
    expect(treeOf(host.root)).toEqual(before);
  });

  test.each([undefined, "", " \n"])("does nothing for %p", async (name) => {
    using host = testHost({ files: FILES });
    const before = treeOf(host.root);
    await boot.apply(name === undefined ? {} : { hostname: name }, host);
    expect(treeOf(host.root)).toEqual(before);
  });

  test.each(["a b", "a\nb", "a\0b", "a/b", "x".repeat(65)])("refuses %p", async (name) => {
    using host = testHost({ files: FILES });
    expect(await outcome(boot, { hostname: name }, host)).toMatch(/^hostname: /);
    expect(existsSync(`${host.root}/etc/hostname`)).toBe(false);
  });
});

describe("hostname with DHCP", () => {
  test("uses the name that DHCP offered instead of the configured one, which /etc/hostname keeps", async () => {
    using host = await booted("by-config", "by-dhcp");
    await runtime.apply({ hostname: "by-config" }, host);
    expect(names(host)).toEqual({
      kernel: "by-dhcp",
      hostname: "by-config",
      hosts: "by-dhcp",
      kept: undefined,
    });
  });

  test("keeps the name that DHCP offered for the next boots of a machine without a configured one", async () => {
    using host = await booted("k3os-1", "by-dhcp");
    await runtime.apply({}, host);
    expect(names(host)).toEqual({
      kernel: "by-dhcp",
      hostname: "by-dhcp",
      hosts: "by-dhcp",
      kept: "by-dhcp",
    });
  });

  test("prefers a name that is news since the boot phase: a data source has it", async () => {
    using host = await booted("k3os-1", "by-dhcp");
    for (let time = 0; time < 2; time++) {
      await runtime.apply({ hostname: "by-cloud" }, host);
      expect(names(host).kernel).toBe("by-cloud");
    }
  });

  test("asks once in a boot, so that k3s keeps the name that it started with", async () => {
    using host = await booted("by-config", "by-dhcp");
    await runtime.apply({ hostname: "by-config" }, host);
    const before = treeOf(host.root);
    const asked = host.programs.length;
    await runtime.apply({ hostname: "by-config" }, host);
    expect(treeOf(host.root)).toEqual(before);
    expect(host.programs).toHaveLength(asked);
    await runtime.apply({ hostname: "by-user" }, host);
    expect(names(host).kernel).toBe("by-user");
  });

  test.each(["", "localhost", "node-1", "Node-1", "node-1.example.com"])(
    "does not take %p for another name of node-1.example.com",
    async (offered) => {
      using host = await booted("node-1.example.com", offered);
      await runtime.apply({ hostname: "node-1.example.com" }, host);
      expect(names(host).kernel).toBe("node-1.example.com");
    },
  );

  test.each(["my_node", "x".repeat(64), "-a", "a b"])(
    "does not take %p, which no node can be called, and warns",
    async (offered) => {
      using host = await booted("node-1", offered);
      await runtime.apply({ hostname: "node-1" }, host);
      expect(names(host).kernel).toBe("node-1");
      const warned = host.logged.filter((line) => line.startsWith("Warning: DHCP names this machine"));
      expect(warned).toEqual([
        expect.stringContaining(`${JSON.stringify(offered)}, expected a host name that a node`),
      ]);
    },
  );

  test("has nothing to ask where connman does not run", async () => {
    using host = testHost({ files: FILES, answer: () => ({ stdout: "0\n" }) });
    await runtime.apply({ hostname: "node-1" }, host);
    expect(host.programs.map(({ argv }) => argv[0])).toEqual(["systemctl"]);
  });

  test("sets the configured name also where connman cannot be asked", async () => {
    const answer = (argv: readonly string[]) =>
      argv[0] === "nsenter" ? { code: 1, stderr: "no such process\n" } : { stdout: "250\n" };
    using host = testHost({ files: FILES, answer });
    await runtime.apply({ hostname: "node-1" }, host);
    expect(names(host).kernel).toBe("node-1");
    expect(host.logged.join()).toContain("no such process");
  });
});

/** A machine that the boot phase has called `name`, and that DHCP calls `offered`. */
async function booted(name: string, offered: string): Promise<TestHost> {
  const answer = (argv: readonly string[]) => ({
    stdout: argv[0] === "systemctl" ? "250\n" : `${offered}\n`,
  });
  const host = testHost({ files: FILES, answer });
  await boot.apply({ hostname: name }, host);
  return host;
}

function names({ root }: TestHost) {
  const text = (path: string) =>
    existsSync(root + path) ? readFileSync(root + path, "utf8").trim() : undefined;
  return {
    kernel: text("/proc/sys/kernel/hostname"),
    hostname: text("/etc/hostname"),
    hosts: /^127\.0\.1\.1\t(\S+)/m.exec(text("/etc/hosts") ?? "")?.[1],
    kept: text(PATH.keptHostname),
  };
}

test("renameInHosts() keeps all other lines as they are", () => {
  const hosts = "# 127.0.1.1 x\n  127.0.1.1 a b # c\n127.0.1.10 d\n::1  ip6-localhost\n";
  expect(renameInHosts(hosts, "n")).toBe(
    "# 127.0.1.1 x\n127.0.1.1\tn n.localdomain\n127.0.1.10 d\n::1  ip6-localhost\n",
  );
});

test("renameInHosts() gives a qualified name its short form", () => {
  expect(renameInHosts("127.0.1.1 a\n", "n.example.com")).toBe("127.0.1.1\tn.example.com n\n");
});
