import { describe, expect, test } from "bun:test";
import { readUpgradeJob, type UpgradeJob, writeUpgradeJob } from "../../../../lib/tools/node/upgrade-job.ts";
import { testHost } from "../../../support/host.ts";

const JOB: UpgradeJob = { plan: "p", version: "v2", hash: "h", since: "2026-01-01T00:00:00.000Z" };

describe("readUpgradeJob()", () => {
  test.each<UpgradeJob>([
    JOB,
    { ...JOB, wasCordoned: true },
    { ...JOB, failure: { at: "x", reason: "y" }, quietSince: "z", settled: "z" },
  ])("reads what was written: %j", (job) => {
    using host = testHost();
    writeUpgradeJob(job, host);
    expect(readUpgradeJob(host)).toEqual(job);
  });

  test("finds none where no Plan was", () => {
    using host = testHost();
    expect(readUpgradeJob(host)).toBeUndefined();
  });

  test.each(["", "[]", '{"plan":"p"}', JSON.stringify({ ...JOB, wasCordoned: "no" })])(
    "refuses a damaged record: %p",
    (text) => {
      using host = testHost({ files: { "/var/lib/rancher/k3os/upgrade-job.json": text } });
      expect(() => readUpgradeJob(host)).toThrow("upgrade-job.json");
    },
  );
});
