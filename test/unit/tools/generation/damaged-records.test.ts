import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { failedVersions } from "../../../../lib/inspect/checks/check-versions.ts";
import { runChecks } from "../../../../lib/inspect/doctor-check.ts";
import { gatherSupport } from "../../../../lib/inspect/support-bundle.ts";
import { readGenerations } from "../../../../lib/tools/generation/generation-facts.ts";
import { readTrial } from "../../../../lib/tools/generation/trial.ts";
import { judgeTrial } from "../../../../lib/upgrade/bless.ts";
import { upgradeSystem } from "../../../../lib/upgrade/from-directory.ts";
import { describeStatus, readStatus } from "../../../../lib/upgrade/generation-status.ts";
import { applyRollback, planRollback } from "../../../../lib/upgrade/rollback-plan.ts";
import { DAMAGES, damage } from "../../../support/damage.ts";
import { type TestHost, testHost } from "../../../support/host.ts";
import { linksOf, makeSystem } from "../../../support/system-directory.ts";

let host: TestHost;
let system: string;

beforeEach(() => {
  host = testHost();
  system = makeSystem(host.root, { k3os: ["v2", "v1"], kernel: ["6.1", "6.0"] });
});
afterEach(() => host[Symbol.dispose]());

describe.each(DAMAGES)("where both records are %s,", (kind) => {
  const RECORDS = ["trial.json", "quarantine.json"];

  beforeEach(() => {
    for (const name of RECORDS) damage(join(system, name), kind);
  });

  function expectTold(text: string): void {
    for (const name of RECORDS) expect(text).toContain(`Cannot read "${join(system, name)}"`);
  }

  test("an upgrade succeeds, says which they are, and sets them aside", async () => {
    using image = testHost();
    const source = makeSystem(image.root, { k3os: ["v3"], kernel: ["6.3"] });
    const settings = { components: ["k3os", "kernel"], source, destination: system, keep: 0 } as const;
    const options = { remount: false, dryRun: false, force: false, allowSkew: false, keepData: false };
    expect(await upgradeSystem(settings, options, host)).toBe(true);
    expect(linksOf(system)).toBe("k3os v3<v2, kernel 6.3<6.1");
    expect(readTrial(system)).toMatchObject({ kind: "upgrade", state: "trial" });
    expectTold(host.logged.join("\n"));
    for (const name of RECORDS) expect(existsSync(join(system, `${name}.damaged`))).toBe(true);
  });

  test("a rollback succeeds, and says which the trial's is", () => {
    applyRollback(system, planRollback(readGenerations(system)), { keepData: false }, host);
    expect(linksOf(system)).toBe("k3os v1<v2, kernel 6.0<6.1");
    expect(readTrial(system)).toMatchObject({ kind: "rollback", state: "trial" });
    expect(host.logged.join("\n")).toContain(`Cannot read "${join(system, "trial.json")}"`);
    expect(existsSync(join(system, "trial.json.damaged"))).toBe(true);
  });

  test("the status, the doctor and the bundle for support say so", async () => {
    const status = readStatus(host);
    expect(status).toMatchObject({ current: { k3os: "v2" }, trial: undefined, failed: [] });
    expectTold(status.damaged.join("\n"));
    expect(describeStatus(status)).toContain("Damaged");
    const [finding] = await runChecks([failedVersions], "local", host);
    expect(finding).toMatchObject({ state: "warning", message: expect.stringContaining("Cannot read") });
    expect((await gatherSupport({ "status.json": status }, host)).files.length).toBeGreaterThan(1);
  });

  test("nothing is judged", async () => {
    expect(await judgeTrial(1000, host)).toBeUndefined();
  });
});

test("a status that cannot list the starts that failed is one", () => {
  mkdirSync(join(host.root, "var/lib/rancher/k3os"), { recursive: true });
  writeFileSync(join(host.root, "var/lib/rancher/k3os/failed"), "");
  expect(readStatus(host)).toMatchObject({ logs: [], damaged: [expect.stringContaining("failed")] });
});
