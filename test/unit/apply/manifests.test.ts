import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { manifests } from "../../../lib/apply/manifests.ts";
import { SKIP_TEXT } from "../../../lib/tools/node/manifest-skip.ts";
import { testHost } from "../../support/host.ts";
import { treeOf } from "../../support/tree.ts";

const SHIPPED = "/usr/share/rancher/k3s/server/manifests";
const DEPLOYED = "/var/lib/rancher/k3s/server/manifests";
const FILES = {
  [`${SHIPPED}/a.yaml`]: "v1",
  [`${SHIPPED}/plans/b.yaml`]: "v1",
  [`${SHIPPED}/c.yaml.example`]: "x",
};

type Host = ReturnType<typeof testHost>;

function release(name: string, content: string, host: Host): void {
  writeFileSync(`${host.root}${SHIPPED}/${name}`, content);
}

function deployed(name: string, host: Host): string | undefined {
  const file = `${host.root}${DEPLOYED}/${name}`;
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

describe("manifests", () => {
  test("are delivered with their folders, without examples", async () => {
    using host = testHost({ files: FILES });
    await manifests.apply({}, host);
    expect(["a.yaml", "plans/b.yaml", "c.yaml.example"].map((name) => deployed(name, host))).toEqual([
      "v1",
      "v1",
      undefined,
    ]);
  });

  test("stay edited or removed over boots and releases", async () => {
    using host = testHost({ files: FILES });
    await manifests.apply({}, host);
    writeFileSync(`${host.root}${DEPLOYED}/a.yaml`, "mine");
    rmSync(`${host.root}${DEPLOYED}/plans/b.yaml`);
    for (const version of ["v1", "v2", "v3"]) {
      release("a.yaml", version, host);
      release("plans/b.yaml", version, host);
      await manifests.apply({}, host);
      expect([deployed("a.yaml", host), deployed("plans/b.yaml", host)]).toEqual(["mine", undefined]);
    }
  });

  test.each(["", "\0\0"])(
    "are delivered again where a power cut has left %j, and that is told",
    async (damage) => {
      using host = testHost({ files: FILES });
      await manifests.apply({}, host);
      writeFileSync(`${host.root}${DEPLOYED}/a.yaml`, damage);
      await manifests.apply({}, host);
      expect(deployed("a.yaml", host)).toBe("v1");
      expect(host.logged).toContain('Warning: The manifest "a.yaml" was damaged: it is delivered again');
    },
  );

  test("follow the release where nobody touched them", async () => {
    using host = testHost({ files: FILES });
    await manifests.apply({}, host);
    release("a.yaml", "v2", host);
    await manifests.apply({}, host);
    expect(deployed("a.yaml", host)).toBe("v2");
  });

  test("are kept from k3s, but for those that a person edited or a configuration writes", async () => {
    using host = testHost({ files: FILES });
    await manifests.apply({}, host);
    expect([deployed("a.yaml.skip", host), deployed("plans/b.yaml.skip", host)]).toEqual([
      SKIP_TEXT,
      SKIP_TEXT,
    ]);
    writeFileSync(`${host.root}${DEPLOYED}/a.yaml`, "mine");
    const writeFiles = [{ path: `${DEPLOYED}/plans/b.yaml`, content: "mine" }];
    await manifests.apply({ writeFiles }, host);
    expect([deployed("a.yaml.skip", host), deployed("plans/b.yaml.skip", host)]).toEqual([
      undefined,
      undefined,
    ]);
  });

  test("stay ignored by k3s where a person wants that", async () => {
    using host = testHost({ files: { ...FILES, [`${DEPLOYED}/a.yaml.skip`]: "" } });
    await manifests.apply({}, host);
    writeFileSync(`${host.root}${DEPLOYED}/a.yaml`, "mine");
    await manifests.apply({}, host);
    expect(deployed("a.yaml.skip", host)).toBe("");
  });

  test("replace those of the original, which kept no record", async () => {
    using host = testHost({ files: { ...FILES, [`${DEPLOYED}/a.yaml`]: "v0" } });
    await manifests.apply({}, host);
    expect(deployed("a.yaml", host)).toBe("v1");
  });

  test("change nothing the second time, nor without any", async () => {
    using host = testHost({ files: FILES });
    await manifests.apply({}, host);
    const before = treeOf(host.root);
    await manifests.apply({}, host);
    expect(treeOf(host.root)).toEqual(before);
    using empty = testHost();
    await manifests.apply({}, empty);
    expect(treeOf(empty.root)).toEqual({});
  });

  test.each(['{"a.y', "null", ""])("are delivered again when the record is damaged: %p", async (text) => {
    const record = "/var/lib/rancher/k3os/manifests.json";
    using host = testHost({ files: { ...FILES, [record]: text } });
    mkdirSync(dirname(`${host.root}${DEPLOYED}`), { recursive: true });
    await manifests.apply({}, host);
    expect(deployed("a.yaml", host)).toBe("v1");
    expect(host.logged.join()).toContain("is damaged");
  });
});
