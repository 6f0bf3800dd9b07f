import { describe, expect, test } from "bun:test";
import { awaitPlans, selectorText, whyIncomplete } from "../../../lib/operator/await-plan.ts";
import { serveApi } from "../../support/api-server.ts";
import { testHost } from "../../support/host.ts";
import { shippedObjects } from "../../support/plans.ts";

const POD = "/var/run/secrets/kubernetes.io/serviceaccount";
const IDLE = { matchExpressions: [{ key: "idle", operator: "Exists" }] };
const complete = (latestVersion: string) => ({
  status: { latestVersion, conditions: [{ type: "Complete", status: "True" }] },
});

describe("whyIncomplete()", () => {
  test.each([
    [complete("v2.0.0"), undefined],
    [complete("v2.0.1"), undefined],
    [complete("v1.9.0"), "it is at v1.9.0, not yet at v2.0.0"],
    [complete("edge"), undefined],
    [{}, "the controller has not looked at it yet"],
    [
      {
        status: {
          latestVersion: "v2.0.0",
          applying: ["a"],
          conditions: [{ type: "Complete", status: "False", message: "Job failed" }],
        },
      },
      "it is not complete, at work on a: Job failed",
    ],
  ])("of %j is %p", (plan, why) => {
    expect(whyIncomplete(plan, "v2.0.0")).toBe(why);
  });
});

test("selectorText() is what the API takes in a query", () => {
  const [plan] = shippedObjects("system-upgrade-plans/k3os-latest.yaml");
  expect(selectorText(plan?.spec.nodeSelector)).toBe(
    "k3os.io/upgrade,k3os.io/upgrade notin (disabled),k3os.io/mode,k3os.io/mode notin (live)," +
      "node-role.kubernetes.io/control-plane,kubernetes.io/arch notin (arm)",
  );
  const matchExpressions = [
    { key: "a", operator: "In", values: ["1", "2"] },
    { key: "b", operator: "DoesNotExist" },
  ];
  expect(selectorText({ matchLabels: { x: "y" }, matchExpressions })).toBe("x=y,a in (1,2),!b");
  expect(selectorText(undefined)).toBe("");
});

describe("awaitPlans()", () => {
  test("asks as the pod until the Plan is complete, through a restart of the server", async () => {
    const answers = [{}, [503, "starting"], complete("v1.0.0"), complete("v2.0.0")] as const;
    let asked = 0;
    await using server = await serveApi(({ path }) => {
      if (path.endsWith("/gone")) return [404, {}];
      if (path.endsWith("/idle")) return { ...complete("v1.0.0"), spec: { nodeSelector: IDLE } };
      if (path.startsWith("/api/v1/nodes?")) return { items: path.includes("idle") ? [] : [{}] };
      asked += 1;
      return answers[asked - 1] ?? [500, {}];
    });
    using host = testHost({
      files: { [`${POD}/token`]: "TOKEN\n", [`${POD}/ca.crt`]: server.authority.ca },
      env: {
        ...{ KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: new URL(server.url).port },
        SYSTEM_UPGRADE_PLAN_LATEST_VERSION: "v2.0.0",
      },
    });
    await awaitPlans(["gone", "idle", "k3os-latest"], host);
    expect(asked).toBe(4);
    expect(server.calls[0]).toMatchObject({
      path: "/apis/upgrade.cattle.io/v1/namespaces/k3os-system/plans/gone",
      authorization: "Bearer TOKEN",
    });
    expect(host.logged.join("\n")).toContain("Waiting for the Plan k3os-latest: it is at v1.0.0");
  });

  test("is refused outside of a pod", async () => {
    using host = testHost();
    await expect(awaitPlans(["k3os-latest"], host)).rejects.toThrow("Only the job of a Plan");
    await awaitPlans([], host);
  });
});
