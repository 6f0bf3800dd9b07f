import { describe, expect, test } from "bun:test";
import { judgeKubeconfig, nameOfGroup } from "../../../../lib/inspect/checks/check-kubeconfig.ts";
import type { Verdict } from "../../../../lib/inspect/doctor-check.ts";

const VERDICTS: readonly [what: string, verdict: Verdict, state: Verdict["state"], message: string][] = [
  [
    "a private kubeconfig",
    judgeKubeconfig({ mode: 0o600, group: "sudo" }),
    "ok",
    "readable by root (mode 0600)",
  ],
  [
    "a kubeconfig of administrators",
    judgeKubeconfig({ mode: 0o640, group: "sudo" }),
    "ok",
    "readable by root and the group sudo (mode 0640)",
  ],
  ["a kubeconfig of everybody", judgeKubeconfig({ mode: 0o644, group: "root" }), "warning", "every pod"],
];

test.each(VERDICTS)("%s", (_, verdict, state, message) => {
  expect(verdict.state).toBe(state);
  expect(verdict.message).toContain(message);
  if (state !== "ok") expect(verdict.hint).toBeString();
});

describe("nameOfGroup()", () => {
  test("falls back to the number", () => {
    expect([27, 28].map((gid) => nameOfGroup(gid, "root:x:0:\nsudo:x:27:rancher\n"))).toEqual(["sudo", "28"]);
  });
});
