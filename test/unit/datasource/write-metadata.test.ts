import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Metadata } from "../../../lib/datasource/data-source.ts";
import { writeMetadata } from "../../../lib/datasource/write-metadata.ts";
import { type TestHost, testHost } from "../../support/host.ts";
import { treeOf } from "../../support/tree.ts";

const FULL: Metadata = {
  userdata: Buffer.from("#cloud-config\n"),
  keys: ["ssh-ed25519 AAAA a", "ssh-ed25519 AAAA b"],
  hostname: "node.example",
  localHostname: "node",
  instanceId: "i-1",
  facts: { public_ipv4: "192.0.2.1" },
};

/** Path below /run/config → "MODE CONTENT". */
function written(host: TestHost): Readonly<Record<string, string>> {
  const files = Object.keys(treeOf(join(host.root, "run/config"))).flatMap((path) => {
    const file = join(host.root, "run/config", path);
    if (statSync(file).isDirectory()) return []; // a link to one
    return [[path.slice(1), `${(statSync(file).mode & 0o7777).toString(8)} ${readFileSync(file, "utf8")}`]];
  });
  return Object.fromEntries(files) as Record<string, string>;
}

function userdata(tree: unknown): Metadata {
  return { userdata: Buffer.from(JSON.stringify(tree)) };
}

describe("writeMetadata()", () => {
  test("writes what the original's service wrote, secrets for root alone", async () => {
    using host = testHost();
    await writeMetadata("AWS", FULL, host);
    expect(written(host)).toEqual({
      userdata: "600 #cloud-config\n",
      "ssh/authorized_keys": "600 ssh-ed25519 AAAA a\nssh-ed25519 AAAA b\n",
      hostname: "644 node.example",
      local_hostname: "644 node",
      instance_id: "644 i-1",
      public_ipv4: "644 192.0.2.1",
      provider: "644 AWS",
    });
    expect(statSync(join(host.root, "run/config/ssh")).mode & 0o777).toBe(0o755);
  });

  test("touches nothing the second time", async () => {
    using host = testHost();
    await writeMetadata("AWS", FULL, host);
    const before = treeOf(host.root);
    await writeMetadata("AWS", FULL, host);
    expect(treeOf(host.root)).toEqual(before);
  });

  test("removes what an earlier run wrote and is no more, and nothing of others", async () => {
    using host = testHost({ files: { "/run/config/mine": "x", "/run/config/d/mine": "x" } });
    const tree = { d: { entries: { a: { content: "a" } } }, e: { entries: { f: { content: "f" } } } };
    await writeMetadata("AWS", { ...FULL, ...userdata(tree) }, host);
    expect(Object.keys(written(host))).toContain("e/f");
    await writeMetadata("GCP", { hostname: "other" }, host);
    expect(written(host)).toEqual({
      hostname: "644 other",
      provider: "644 GCP",
      mine: "644 x",
      "d/mine": "644 x",
    });
    expect(existsSync(join(host.root, "run/config/e"))).toBe(false);
    expect(existsSync(join(host.root, "run/config/ssh"))).toBe(false);
  });

  test("puts a directory where an earlier run put a file, and back", async () => {
    using host = testHost();
    await writeMetadata("A", userdata({ x: { content: "1" } }), host);
    await writeMetadata("A", userdata({ x: { entries: { y: { content: "2" } } } }), host);
    expect(written(host)["x/y"]).toBe("644 2");
    await writeMetadata("A", userdata({ x: { content: "3" } }), host);
    expect(written(host).x).toBe("644 3");
    expect(host.logged).toEqual([]);
  });

  test("lets user data bring user data, for root alone, but no directory in its place", async () => {
    using host = testHost();
    await writeMetadata("A", userdata({ userdata: { perm: "0644", content: "#cloud-config\n" } }), host);
    expect(written(host).userdata).toBe("600 #cloud-config\n");
    const outer = userdata({ userdata: { entries: { x: { content: "y" } } } });
    await writeMetadata("A", outer, host);
    expect(written(host).userdata).toStartWith('600 {"userdata"');
    expect(host.logged[0]).toContain('"userdata" cannot be a directory');
  });

  test("writes through no link", async () => {
    using host = testHost();
    const outside = join(host.root, "outside");
    mkdirSync(outside);
    writeFileSync(join(outside, "file"), "safe");
    mkdirSync(join(host.root, "run/config"), { recursive: true });
    symlinkSync(outside, join(host.root, "run/config/d"));
    symlinkSync(join(outside, "file"), join(host.root, "run/config/f"));
    const tree = { d: { entries: { new: { content: "evil" } } }, f: { content: "evil" } };
    await writeMetadata("A", userdata(tree), host);
    expect(Object.keys(treeOf(outside))).toEqual(["/file"]);
    expect(readFileSync(join(outside, "file"), "utf8")).toBe("safe");
    expect(written(host).f).toBe("644 evil");
    expect(written(host).userdata).toStartWith("600 {");
  });

  test("fails where the directory is a link", async () => {
    using host = testHost();
    mkdirSync(join(host.root, "run"));
    symlinkSync("/nowhere", join(host.root, "run/config"));
    expect(writeMetadata("A", FULL, host)).rejects.toThrow("Writing what the data source said");
  });
});
