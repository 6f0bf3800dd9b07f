import { describe, expect, test } from "bun:test";
import { writeUpgradeJob } from "../../../lib/tools/node/upgrade-job.ts";
import { describeStatus, readStatus } from "../../../lib/upgrade/generation-status.ts";
import { testHost } from "../../support/host.ts";

const JOB = { plan: "k3os-latest", version: "v2", hash: "h", since: "2026-01-01T00:00:00.000Z" };
const FAILURE = { at: "2026-01-02T00:00:00.000Z", reason: "no room" };

describe("the status of the versions", () => {
  test.each([
    [{ failure: FAILURE, settled: "x" }, "no room. Its next try is the Plan's next version"],
    [{ failure: FAILURE }, "no room\n"],
  ])("says why the job of a Plan failed: %j", (more, text) => {
    using host = testHost();
    writeUpgradeJob({ ...JOB, ...more }, host);
    const shown = describeStatus(readStatus(host)).replaceAll(/\n +/g, " ");
    expect(shown).toContain(`k3os-latest failed to bring v2 on 2026-01-02T00:00:00.000Z: ${text}`);
  });

  test("does not mention a job that did not fail, and says that its record is damaged", () => {
    using host = testHost();
    writeUpgradeJob({ ...JOB, settled: "x" }, host);
    expect(describeStatus(readStatus(host))).not.toContain("k3os-latest");
    using damaged = testHost({ files: { "/var/lib/rancher/k3os/upgrade-job.json": "{" } });
    expect(readStatus(damaged).damaged.join()).toContain("upgrade-job.json");
  });
});
