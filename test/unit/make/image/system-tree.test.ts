import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Made } from "../../../../lib/make/build/build-step.ts";
import { systemParts, writeSystemTree } from "../../../../lib/make/image/system-tree.ts";
import { type TestHost, testHost } from "../../../support/host.ts";

function builtIn(host: TestHost, name: string): Made {
  return { path: join(host.root, "built", name), digest: name };
}

function testFiles(): TestHost {
  const names = ["k3os", "k3os.squashfs", "k3s", "kernel.squashfs", "initrd"];
  return testHost({ files: Object.fromEntries(names.map((name) => [`/built/${name}`, name])) });
}

function partsOf(host: TestHost, { k3s }: { k3s: boolean }) {
  return systemParts({
    version: "v1.0.0",
    executable: builtIn(host, "k3os"),
    rootSquashfs: builtIn(host, "k3os.squashfs"),
    kernel: {
      version: "6.12.1",
      squashfs: builtIn(host, "kernel.squashfs"),
      initrd: builtIn(host, "initrd"),
    },
    k3s: k3s ? { version: "v1.30.1+k3s1", executable: builtIn(host, "k3s") } : undefined,
  });
}

describe("writeSystemTree()", () => {
  test("lays out components by version, with current links", () => {
    using host = testFiles();
    const root = join(host.root, "tree");
    writeSystemTree(root, partsOf(host, { k3s: true }));
    const system = join(root, "k3os/system");
    expect(readdirSync(system).sort()).toEqual(["k3os", "k3s", "kernel"]);
    expect(readlinkSync(join(system, "k3s/current"))).toBe("v1.30.1+k3s1");
    expect(readFileSync(join(system, "kernel/current/initrd"), "utf8")).toBe("initrd");
    expect(readFileSync(join(system, "k3os/current/k3os.squashfs"), "utf8")).toBe("k3os.squashfs");
    expect(statSync(join(system, "k3os/current/k3os")).mode & 0o777).toBe(0o755);
    expect(statSync(join(system, "k3os/current/k3os.squashfs")).mode & 0o777).toBe(0o644);
  });

  test("links the commands of a root that is not ours", () => {
    using host = testFiles();
    writeSystemTree(host.root, partsOf(host, { k3s: false }));
    expect(readlinkSync(join(host.root, "sbin/init"))).toBe("k3os");
    expect(readlinkSync(join(host.root, "sbin/k3os"))).toBe("/k3os/system/k3os/current/k3os");
    expect(readlinkSync(join(host.root, "sbin/kubectl"))).toBe("k3s");
  });

  test("leaves k3s out where there is none", () => {
    using host = testFiles();
    const root = join(host.root, "tree");
    writeSystemTree(root, partsOf(host, { k3s: false }));
    expect(readdirSync(join(root, "k3os/system")).sort()).toEqual(["k3os", "kernel"]);
  });
});
