import { describe, expect, test } from "bun:test";
import type { GenerationFacts } from "../../../lib/tools/generation/generation-facts.ts";
import type { Part as StagedPart } from "../../../lib/tools/generation/stage.ts";
import type { Trial } from "../../../lib/tools/generation/trial.ts";
import { planSwitch, type SwitchOptions, type SwitchPlan } from "../../../lib/upgrade/switch-plan.ts";
import { generationFacts, trialOf } from "../../support/generation-facts.ts";

const BEFORE = { k3os: ["v2", "v1"], k3s: ["v1.30"], kernel: ["6.1", "6.0"] } as const;
/** The links when an upgrade to v3 has been made of that. */
const AFTER = { k3os: ["v3", "v2", "v1"], k3s: ["v1.30", "v1.30"], kernel: ["6.1", "6.1", "6.0"] } as const;
const UPGRADE = trialOf({ k3os: ["v2", "v3", "v1"], k3s: ["v1.30", "v1.30"], kernel: ["6.1", "6.1", "6.0"] });
const FAILED = { versions: { k3os: "v3", kernel: "6.1" }, reason: "unwell", at: "2030" };
const V3: readonly StagedPart[] = [{ component: "k3os", version: "v3" }];
const V4: readonly StagedPart[] = [{ component: "k3os", version: "v4" }];
const KERNEL: readonly StagedPart[] = [{ component: "kernel", version: "6.3" }];

function plan(
  facts: GenerationFacts,
  staged: readonly StagedPart[],
  { applyFailed = false, ...options }: Partial<SwitchOptions> & { readonly applyFailed?: boolean } = {},
): SwitchPlan {
  return planSwitch({ ...facts, applyFailed }, staged, {
    force: false,
    keep: 0,
    keepData: false,
    ...options,
  });
}

/** A plan for assertions: what becomes of the change before, then `COMPONENT FROM<PREVIOUS → TO` of each part. */
function summary({ unfinished, change }: SwitchPlan): string {
  const parts = change?.parts.map(({ component, from, to, previous }) => {
    return `${component} ${from ?? "-"}<${previous ?? "-"} → ${to}`;
  });
  return `${unfinished?.kind ?? "nothing"} before; ${parts?.join(", ") ?? "no change"}`;
}

const on = (trial: Trial): GenerationFacts => generationFacts(AFTER, { trial });

describe("planSwitch()", () => {
  test.each<[string, GenerationFacts, readonly StagedPart[], string]>([
    [
      "a new version",
      generationFacts(BEFORE),
      V3,
      "nothing before; k3os v2<v1 → v3, k3s v1.30<- → v1.30, kernel 6.1<6.0 → 6.1",
    ],
    [
      "the current version",
      generationFacts(BEFORE),
      [{ component: "k3os", version: "v2" }],
      "nothing before; no change",
    ],
    [
      "a component that was not there",
      generationFacts({ k3os: ["v2"] }),
      [{ component: "k3s", version: "v1.31" }],
      "nothing before; k3os v2<- → v2, k3s -<- → v1.31",
    ],
    ["the version on trial again", on(UPGRADE), V3, "nothing before; no change"],
    [
      "another part, before a start has tried the first",
      on(UPGRADE),
      KERNEL,
      "revert before; k3os v2<v1 → v3, k3s v1.30<- → v1.30, kernel 6.1<6.0 → 6.3",
    ],
    [
      "another version of the same part, before a start has tried the first",
      on(UPGRADE),
      V4,
      "revert before; k3os v2<v1 → v4, k3s v1.30<- → v1.30, kernel 6.1<6.0 → 6.1",
    ],
    [
      "the version before, before a start has tried the new one",
      on(UPGRADE),
      [{ component: "k3os", version: "v2" }],
      "revert before; no change",
    ],
    [
      "a new version, where one has failed and no start has gone back yet",
      on({ ...UPGRADE, state: "failed", started: true }),
      V4,
      "revert before; k3os v2<v1 → v4, k3s v1.30<- → v1.30, kernel 6.1<6.0 → 6.1",
    ],
    [
      "the version whose links were only set in part",
      on({ ...UPGRADE, state: "switching" }),
      V3,
      "revert before; k3os v2<v1 → v3, k3s v1.30<- → v1.30, kernel 6.1<6.0 → 6.1",
    ],
    [
      "a new version after a rollback that no start has finished",
      generationFacts(BEFORE, { trial: trialOf({ k3os: ["v1", "v2"] }, { kind: "rollback" }) }),
      V3,
      "forget before; k3os v2<v1 → v3, k3s v1.30<- → v1.30, kernel 6.1<6.0 → 6.1",
    ],
    [
      "a new version where what the trial came from is gone",
      on({ ...UPGRADE, parts: [{ component: "k3os", from: "v0", to: "v3", previous: "v1" }] }),
      V4,
      "revert before; k3os -<v1 → v4, k3s v1.30<v1.30 → v1.30, kernel 6.1<6.1 → 6.1",
    ],
  ])("%s", (_, facts, staged, expected) => {
    expect(summary(plan(facts, staged))).toBe(expected);
  });

  test("puts on trial what it was told to keep and to tolerate", () => {
    const { change } = plan(generationFacts(BEFORE), V3, { keep: 2, keepData: true, applyFailed: true });
    expect(change).toMatchObject({ keep: 2, keepData: true, tolerated: ["configuration"] });
    expect(plan(generationFacts(BEFORE), V3).change?.tolerated).toEqual([]);
  });

  test("has damaged records set aside, also where there is nothing else to do", () => {
    const damage = { trial: new Error("it is empty"), quarantine: undefined };
    const facts = generationFacts(BEFORE, { damage });
    expect(plan(facts, V3).damage).toBe(damage);
    expect(plan(facts, [])).toEqual({ damage, unfinished: undefined, change: undefined });
  });

  test.each<[string, GenerationFacts, readonly StagedPart[], string]>([
    [
      "what runs on trial",
      on({ ...UPGRADE, started: true }),
      V4,
      "An upgrade to v3 is on trial since 2030-01-01T00:00:00.000Z",
    ],
    [
      "what failed here, together with what stays",
      generationFacts(BEFORE, { quarantine: [FAILED] }),
      V3,
      "k3os v3, kernel 6.1 failed here on 2030: unwell",
    ],
  ])("refuses %s, unless it is forced", (_, facts, staged, message) => {
    expect(() => plan(facts, staged)).toThrow(message);
    expect(plan(facts, staged, { force: true }).change).toBeDefined();
  });

  test("does not refuse what failed together with something else", () => {
    expect(plan(generationFacts(BEFORE, { quarantine: [FAILED] }), [...V3, ...KERNEL]).change).toBeDefined();
  });
});
