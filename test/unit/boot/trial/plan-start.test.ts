import { describe, expect, test } from "bun:test";
import type { MenuChoice } from "../../../../lib/boot/mode.ts";
import { planStart, type StartPlan, standingOf } from "../../../../lib/boot/trial/plan-start.ts";
import type { Links } from "../../../../lib/tools/generation/generation-links.ts";
import type { Trial } from "../../../../lib/tools/generation/trial.ts";
import { generationFacts, trialOf } from "../../../support/generation-facts.ts";

const UPGRADE = trialOf({ k3os: ["v2", "v3", "v1"], kernel: ["6.1", "6.3", "6.0"] });
const ROLLBACK: Trial = { ...UPGRADE, kind: "rollback" };
const NEW = generationFacts({ k3os: ["v3", "v2"], kernel: ["6.3", "6.1"] }).links;
const OLD = generationFacts({ k3os: ["v2", "v1"], kernel: ["6.1", "6.0"] }).links;
const BETWEEN = generationFacts({ k3os: ["v3", "v2"], kernel: ["6.1", "6.0"] }).links;
const OTHER = generationFacts({ k3os: ["v9"], kernel: ["6.3"] }).links;
const ALONE = generationFacts({ k3os: ["v2"], kernel: ["6.1"] }).links;

/** A plan for assertions: its kind, why, and what is special about it. */
function summary(plan: StartPlan): string {
  if (plan.kind === "fall-back") return `fall-back: ${plan.reason}`;
  if (plan.kind !== "start") return plan.kind;
  const back = plan.rollback.map(({ from, to }) => `${from} → ${to}`);
  return [
    "start",
    ...(plan.isOutdated ? ["outdated"] : []),
    ...(plan.isCounted ? ["counted"] : []),
    ...back,
  ].join(", ");
}

const UNHEALTHY = "fall-back: it was started, but never found healthy";
const NOT_STARTED =
  "fall-back: its kernel could not be started, or the boot menu's entry Previous was chosen";

describe("planStart()", () => {
  test.each<[string, Trial | undefined, Links | undefined, MenuChoice | undefined, string]>([
    ["nothing", undefined, undefined, undefined, "start"],
    ["nothing", undefined, undefined, "fallback", "start, counted"],
    ["nothing", undefined, OLD, "previous", "start, v2 → v1, 6.1 → 6.0"],
    ["nothing, without previous versions", undefined, ALONE, "previous", "start"],
    ["an interrupted change", { ...UPGRADE, state: "switching" }, BETWEEN, "trial", "take-back"],
    ["an interrupted rollback", { ...ROLLBACK, state: "switching" }, BETWEEN, undefined, "take-back"],
    ["an upgrade", UPGRADE, NEW, "trial", "try"],
    ["an upgrade, without a boot menu of ours", UPGRADE, NEW, undefined, "try"],
    ["an upgrade", UPGRADE, NEW, "fallback", UNHEALTHY],
    ["an upgrade", UPGRADE, NEW, "previous", NOT_STARTED],
    ["an upgrade without a start left", { ...UPGRADE, left: 0 }, NEW, "trial", UNHEALTHY],
    ["an upgrade with some links changed back", UPGRADE, BETWEEN, "trial", UNHEALTHY],
    ["an upgrade with all links changed back", UPGRADE, OLD, undefined, "start, outdated"],
    ["an upgrade, links of others", UPGRADE, OTHER, "fallback", "start, outdated, counted"],
    [
      "a failed upgrade",
      { ...UPGRADE, state: "failed", reason: "unwell" },
      NEW,
      "fallback",
      "fall-back: unwell",
    ],
    [
      "a failed upgrade with all links changed back",
      { ...UPGRADE, state: "failed" },
      OLD,
      undefined,
      "fall-back: it was found to be unhealthy",
    ],
    [
      "a failed upgrade, links of others",
      { ...UPGRADE, state: "failed" },
      OTHER,
      undefined,
      "start, outdated",
    ],
    ["a rollback", ROLLBACK, NEW, undefined, "finish-rollback"],
    ["a rollback", ROLLBACK, NEW, "fallback", "finish-rollback"],
    ["a rollback with some links changed", ROLLBACK, BETWEEN, undefined, "start, outdated"],
    [
      "a rollback whose links were changed since",
      ROLLBACK,
      OLD,
      "previous",
      "start, outdated, v2 → v1, 6.1 → 6.0",
    ],
  ])("with %s on trial", (_, trial, links, choice, expected) => {
    expect(summary(planStart(trial, links, choice))).toBe(expected);
  });
});

test.each([
  ["new", NEW],
  ["old", OLD],
  ["between", BETWEEN],
  ["other", OTHER],
] as const)("standingOf() is %s", (standing, links) => {
  expect(standingOf(links, UPGRADE)).toBe(standing);
});
