import { describe, expect, test } from "bun:test";
import { parseTaint, planTaints, textOfTaint } from "../../../lib/operator/node-taints.ts";

test.each([
  ["k=v:NoSchedule", { key: "k", value: "v", effect: "NoSchedule" }],
  ["example.com/k:NoExecute", { key: "example.com/k", effect: "NoExecute" }],
])("parseTaint() and textOfTaint() know %p", (text, taint) => {
  expect(parseTaint(text)).toEqual(taint);
  expect(textOfTaint(taint)).toBe(text);
});

describe("planTaints()", () => {
  const node = (wanted: readonly string[]) => ({
    ...{ apiVersion: "v1", kind: "Node" },
    metadata: { name: "n", uid: "u", annotations: { "k3os.io/wanted-taints": JSON.stringify(wanted) } },
    spec: { taints: [{ key: "old", effect: "NoSchedule" }] },
  });

  test("claims a taint before it is set, and keeps the claim of one that is not yet removed", () => {
    const recorded = { uid: "u", taints: ["old:NoSchedule"] };
    expect(planTaints(node(["new:NoSchedule"]), recorded, { adopts: false })).toEqual({
      claim: { uid: "u", taints: ["old:NoSchedule", "new:NoSchedule"] },
      taints: [{ key: "new", effect: "NoSchedule" }],
      record: { uid: "u", taints: ["new:NoSchedule"] },
      refused: [],
    });
  });

  test("has no plan for a node that has just joined and has not said what it wants", () => {
    const { annotations: _, ...metadata } = node([]).metadata;
    expect(planTaints({ ...node([]), metadata }, undefined, { adopts: true })).toBeUndefined();
  });

  test("ignores a wish beyond all measure", () => {
    const many = Array.from({ length: 1000 }, (_, i) => `k${i}:NoSchedule`);
    expect(planTaints(node(many), undefined, { adopts: false })?.taints).toHaveLength(51);
  });
});
