import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readGenerations } from "../../../lib/tools/generation/generation-facts.ts";
import { readLinks } from "../../../lib/tools/generation/generation-links.ts";
import { addQuarantined } from "../../../lib/tools/generation/quarantine.ts";
import { changeGeneration, partsOf, readTrial } from "../../../lib/tools/generation/trial.ts";
import { describeStatus, readStatus } from "../../../lib/upgrade/generation-status.ts";
import { applyRollback, describeRollback, planRollback } from "../../../lib/upgrade/rollback-plan.ts";
import { type TestHost, testHost } from "../../support/host.ts";
import { addVersion, linksOf, makeSystem } from "../../support/system-directory.ts";

let host: TestHost;
let system: string;

beforeEach(() => {
  host = testHost({ files: { "/run/k3os/mode": "local\n" } });
  system = makeSystem(host.root, { k3os: ["v2", "v1"], kernel: ["6.1", "6.0"] });
});
afterEach(() => host[Symbol.dispose]());

function roll(keepData = false): string[] {
  const plan = planRollback(readGenerations(system));
  applyRollback(system, plan, { keepData }, host);
  return describeRollback(plan);
}

describe("a rollback", () => {
  test("exchanges current and previous of all parts", () => {
    expect(roll()).toEqual(["k3os v2 → v1", "kernel 6.1 → 6.0"]);
    expect(linksOf(system)).toBe("k3os v1<v2, kernel 6.0<6.1");
    expect(readTrial(system)).toMatchObject({ kind: "rollback", state: "trial", keepData: false });
  });

  test("of an upgrade on trial makes that fail", () => {
    addVersion(system, "k3os", "v3");
    const parts = partsOf(readLinks(system), { k3os: "v3" });
    changeGeneration(
      system,
      { kind: "upgrade", since: "2030", parts, keep: 0, tolerated: [], keepData: false },
      host,
    );
    expect(roll(true)).toEqual(["k3os v3 → v2"]);
    expect(linksOf(system)).toBe("k3os v3<v2, kernel 6.1<6.1");
    expect(readTrial(system)).toMatchObject({
      state: "failed",
      keepData: true,
      reason: 'taken back by "k3os rollback"',
    });
  });

  test("goes to the newest of the others where the original's script has left no links to them", () => {
    using original = testHost();
    const tree = makeSystem(original.root, { k3os: ["v0.30.0"], kernel: ["6.12"], k3s: ["v1.31"] });
    for (const version of ["v0.21.1-k3s1r0", "v0.9.0"]) addVersion(tree, "k3os", version);
    addVersion(tree, "kernel", "5.4.0-88-generic");
    expect(describeRollback(planRollback(readGenerations(tree)))).toEqual([
      "k3os v0.30.0 → v0.21.1-k3s1r0",
      "kernel 6.12 → 5.4.0-88-generic",
    ]);
  });

  test("needs something to go back to", () => {
    using fresh = testHost();
    const bare = makeSystem(fresh.root, { k3os: ["v1"] });
    expect(() => planRollback(readGenerations(bare))).toThrow("no previous versions");
  });
});

test("the status tells what runs, what is next, what was before, and what failed", () => {
  addQuarantined(system, { versions: { k3os: "v3" }, reason: "unwell", at: "2030" }, host);
  roll();
  const status = readStatus(host);
  expect(status).toMatchObject({
    mode: "local",
    current: { k3os: "v1", kernel: "6.0" },
    previous: { k3os: "v2", kernel: "6.1" },
    available: { k3os: ["v1", "v2"], k3s: [], kernel: ["6.0", "6.1"] },
    trial: { kind: "rollback", state: "trial" },
  });
  const text = describeStatus(status);
  expect(text).toContain("Mode      local\n");
  expect(text).toContain("Current   k3os v1, kernel 6.0\nPrevious  k3os v2, kernel 6.1\n");
  expect(text).toContain("Failed    k3os v3 on 2030: unwell\n");
});
