import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { hasErrors } from "../../../lib/config/read/diagnostics.ts";
import { parseConfigText } from "../../../lib/config/read/parse.ts";
import { blocksOf } from "../../support/markdown.ts";
import { type Labels, objectsOf, PLAN_FIELDS, selects, shippedObjects } from "../../support/plans.ts";
import { PROJECT } from "../../support/sources.ts";

/** The examples of docs/upgrades.md, as a reader would copy them. */
const text = readFileSync(join(PROJECT, "docs/upgrades.md"), "utf8");
const plans = exampleStarting("apiVersion:").flatMap(objectsOf);
const shipped = shippedObjects("system-upgrade-plans/k3os-latest.yaml");

/** Blocks whose first line starts like this. */
function exampleStarting(start: string): string[] {
  const blocks = blocksOf({ path: "docs/upgrades.md", text });
  return blocks.flatMap((block) => (block.text.startsWith(start) ? [block.text] : []));
}

describe("docs/upgrades.md", () => {
  test("has Plans that say no field which the controller does not know", () => {
    expect(plans.map(({ kind, metadata }) => [kind, metadata.name])).toEqual([
      ["Plan", "k3os-canary"],
      ["Plan", "k3os-fleet"],
    ]);
    for (const { spec } of [...plans, ...shipped]) {
      expect(Object.keys(spec).filter((field) => !PLAN_FIELDS.includes(field))).toEqual([]);
      expect([spec.channel, spec.version].filter((value) => value !== undefined)).toHaveLength(1);
    }
  });

  test("has Plans that run what ours runs", () => {
    const ours = shipped.find(({ metadata }) => metadata.name === "k3os-latest-agents");
    for (const { metadata, spec } of plans) {
      expect(metadata.namespace).toBe(ours?.metadata.namespace);
      expect([spec.upgrade, spec.prepare]).toEqual([ours?.spec.upgrade, ours?.spec.prepare]);
      expect(spec.serviceAccountName).toBe(ours?.spec.serviceAccountName);
    }
  });

  test.each([
    [{ "example.com/ring": "canary" }, ["k3os-canary"]],
    [{ "example.com/ring": "fleet" }, ["k3os-fleet"]],
    [{ "example.com/ring": "fleet", "node-role.kubernetes.io/control-plane": "true" }, []],
    [{ "k3os.io/upgrade": "latest" }, ["k3os-latest-agents"]],
    [{ "k3os.io/upgrade": "latest", "node-role.kubernetes.io/control-plane": "true" }, ["k3os-latest"]],
    [{}, []],
  ] as const)("has Plans that share the nodes: %p is for %p", (labels, names) => {
    const node: Labels = { "k3os.io/mode": "local", "kubernetes.io/arch": "amd64", ...labels };
    const takers = [...plans, ...shipped].filter(({ spec }) => selects(spec.nodeSelector, node));
    expect(takers.map(({ metadata }) => metadata.name)).toEqual([...names]);
  });

  test("has a configuration that is one", () => {
    const [configuration = ""] = exampleStarting("write_files:");
    const { config, diagnostics } = parseConfigText(configuration, "example");
    expect(hasErrors(diagnostics)).toBe(false);
    const [file] = config.writeFiles ?? [];
    expect(file?.path).toBe("/etc/rancher/k3s/registries.yaml");
    expect(file?.content).toStartWith("mirrors:\n  ghcr.io:\n");
  });

  test("names the images that the manifests use", () => {
    const controller = readFileSync(
      join(PROJECT, "overlay/usr/share/rancher/k3s/server/manifests/system-upgrade-controller.yaml"),
      "utf8",
    );
    const images = controller.match(/rancher\/[\w-]+:v[\d.]+/g) ?? [];
    expect(images).toHaveLength(2);
    expect(images.filter((image) => !text.includes(image))).toEqual([]);
  });
});
