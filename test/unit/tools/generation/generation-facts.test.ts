import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  readGenerations,
  readRecords,
  warnOfDamage,
} from "../../../../lib/tools/generation/generation-facts.ts";
import { addQuarantined } from "../../../../lib/tools/generation/quarantine.ts";
import { writeTrial } from "../../../../lib/tools/generation/trial.ts";
import { DAMAGES, damage } from "../../../support/damage.ts";
import { trialOf } from "../../../support/generation-facts.ts";
import { type TestHost, testHost } from "../../../support/host.ts";
import { makeSystem } from "../../../support/system-directory.ts";

let host: TestHost;
let system: string;

beforeEach(() => {
  host = testHost();
  system = makeSystem(host.root, { k3os: ["v2", "v1", "v0"], kernel: ["6.1"] });
});
afterEach(() => host[Symbol.dispose]());

test("readGenerations() tells of links, versions, left-overs and records", () => {
  const trial = trialOf({ k3os: ["v1", "v2"] });
  const failed = { versions: { k3os: "v3" }, reason: "unwell", at: "2030" };
  writeTrial(system, trial);
  addQuarantined(system, failed, host);
  mkdirSync(join(system, "kernel/.6.3.partial"));
  expect(readGenerations(system)).toEqual({
    links: {
      k3os: { current: "v2", previous: "v1" },
      k3s: { current: undefined, previous: undefined },
      kernel: { current: "6.1", previous: undefined },
    },
    versions: { k3os: ["v0", "v1", "v2"], k3s: [], kernel: ["6.1"] },
    leftovers: { k3os: [], k3s: [], kernel: [".6.3.partial"] },
    trial,
    quarantine: [failed],
    damage: { trial: undefined, quarantine: undefined },
  });
});

test("of a directory that holds no system, nothing is known", () => {
  const facts = readGenerations(join(host.root, "none"));
  expect(facts).toMatchObject({ trial: undefined, quarantine: [], versions: { k3os: [], k3s: [] } });
});

describe.each(DAMAGES)("where a record is %s", (kind) => {
  test.each(["trial", "quarantine"] as const)(
    "the %s's damage is a fact, and what others say counts",
    (name) => {
      writeTrial(system, trialOf({ k3os: ["v1", "v2"] }));
      addQuarantined(system, { versions: { k3os: "v3" }, reason: "unwell", at: "2030" }, host);
      damage(join(system, `${name}.json`), kind);
      const records = readRecords(system);
      expect(records.trial !== undefined).toBe(name !== "trial");
      expect(records.quarantine).toHaveLength(name === "quarantine" ? 0 : 1);
      warnOfDamage(records, ["trial", "quarantine"], host);
      expect(host.logged).toEqual([
        expect.stringContaining(`Cannot read "${join(system, `${name}.json`)}": `),
      ]);
    },
  );
});

test("warnOfDamage() tells of the records that it was asked about, and what follows", () => {
  for (const name of ["trial", "quarantine"]) writeFileSync(join(system, `${name}.json`), "{");
  const records = readRecords(system);
  warnOfDamage(records, ["trial"], host);
  expect(host.logged.join("\n")).toEndWith("it is not JSON: it is ignored");
  warnOfDamage(records, ["quarantine"], host);
  expect(host.logged.join("\n")).toEndWith("nothing is known of versions that failed before");
});
