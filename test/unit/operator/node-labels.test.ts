import { describe, expect, test } from "bun:test";
import { followLabels, planLabels } from "../../../lib/operator/node-labels.ts";
import { testHost } from "../../support/host.ts";
import { objectStore } from "../../support/object-store.ts";

const MANAGED = "k3os.io/managed-labels";

describe("planLabels()", () => {
  test.each([
    ["adds", {}, {}, { a: "1" }, { a: "1" }],
    ["changes", { a: "1" }, { a: "1" }, { a: "2" }, { a: "2" }],
    ["sets back what a person changed on its own keys", { a: "9" }, { a: "1" }, { a: "1" }, { a: "1" }],
    ["removes", { a: "1", b: "1" }, { a: "1" }, {}, { a: null }],
    ["leaves other keys alone", { other: "x" }, {}, {}, {}],
    ["leaves what a person has made of a label that is removed", { a: "9" }, { a: "1" }, {}, {}],
    ["does nothing where all is right", { a: "1", other: "x" }, { a: "1" }, { a: "1" }, {}],
  ])("%s", (_name, labels, managed, wanted, expected) => {
    const annotations = { [MANAGED]: JSON.stringify(managed) };
    expect(planLabels({ labels, annotations }, wanted).labels).toEqual(expected);
  });

  test("takes over the labels of the registration", () => {
    expect(planLabels({ labels: { a: "1" } }, { a: "1" })).toEqual({
      labels: {},
      annotations: { [MANAGED]: '{"a":"1"}' },
    });
  });
});

test("followLabels() writes once, with the taints that the node wants", async () => {
  using host = testHost();
  const store = objectStore("kubelet");
  const node = store.put("/api/v1/nodes/n", { metadata: { name: "n", labels: { other: "x" } } });
  const changed = await followLabels(node, { a: "1" }, ["k=v:NoSchedule"], store, host);
  expect(changed.metadata.labels).toEqual({ other: "x", a: "1" });
  expect(changed.metadata.annotations).toEqual({
    [MANAGED]: '{"a":"1"}',
    "k3os.io/wanted-taints": '["k=v:NoSchedule"]',
  });
  await followLabels(changed, { a: "1" }, ["k=v:NoSchedule"], store, host);
  expect(store.calls).toEqual(["PATCH /api/v1/nodes/n"]);
});
