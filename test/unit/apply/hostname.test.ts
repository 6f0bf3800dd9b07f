import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { hostname, renameInHosts } from "../../../lib/apply/hostname.ts";
import { testHost } from "../../support/host.ts";
import { outcome } from "../../support/outcome.ts";
import { treeOf } from "../../support/tree.ts";

const FILES = {
  "/proc/sys/kernel/hostname": "(none)\n",
  "/etc/hosts": "127.0.0.1\tlocalhost\n127.0.1.1\told old.localdomain\n",
};

describe("hostname", () => {
  test("names the kernel, /etc/hostname and 127.0.1.1", async () => {
    using host = testHost({ files: FILES });
    await hostname.apply({ hostname: " node-1 " }, host);
    expect(readFileSync(`${host.root}/proc/sys/kernel/hostname`, "utf8")).toBe("node-1");
    expect(readFileSync(`${host.root}/etc/hostname`, "utf8")).toBe("node-1\n");
    expect(readFileSync(`${host.root}/etc/hosts`, "utf8")).toBe(
      "127.0.0.1\tlocalhost\n127.0.1.1\tnode-1 node-1.localdomain\n",
    );
  });

  test("needs no /etc/hosts, which the early boot does not have", async () => {
    using host = testHost();
    await hostname.apply({ hostname: "node-1" }, host);
    expect(existsSync(`${host.root}/etc/hosts`)).toBe(false);
  });

  test("changes nothing the second time", async () => {
    using host = testHost({ files: FILES });
    await hostname.apply({ hostname: "node-1" }, host);
    const before = treeOf(host.root);
    await hostname.apply({ hostname: "node-1" }, host);
    expect(treeOf(host.root)).toEqual(before);
  });

  test.each([undefined, "", " \n"])("does nothing for %p", async (name) => {
    using host = testHost({ files: FILES });
    const before = treeOf(host.root);
    await hostname.apply(name === undefined ? {} : { hostname: name }, host);
    expect(treeOf(host.root)).toEqual(before);
  });

  test.each(["a b", "a\nb", "a\0b", "a/b", "x".repeat(65)])("refuses %p", async (name) => {
    using host = testHost({ files: FILES });
    expect(await outcome(hostname, { hostname: name }, host)).toMatch(/^hostname: /);
    expect(existsSync(`${host.root}/etc/hostname`)).toBe(false);
  });
});

test("renameInHosts() keeps all other lines as they are", () => {
  const hosts = "# 127.0.1.1 x\n  127.0.1.1 a b # c\n127.0.1.10 d\n::1  ip6-localhost\n";
  expect(renameInHosts(hosts, "n")).toBe(
    "# 127.0.1.1 x\n127.0.1.1\tn n.localdomain\n127.0.1.10 d\n::1  ip6-localhost\n",
  );
});

test("renameInHosts() gives a qualified name its short form", () => {
  expect(renameInHosts("127.0.1.1 a\n", "n.example.com")).toBe("127.0.1.1\tn.example.com n\n");
});
