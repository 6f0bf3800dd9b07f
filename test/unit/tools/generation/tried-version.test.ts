import { expect, test } from "bun:test";
import { readLinks } from "../../../../lib/tools/generation/generation-links.ts";
import {
  changeGeneration,
  failTrial,
  partsOf,
  readTrial,
  type Trial,
  writeTrial,
} from "../../../../lib/tools/generation/trial.ts";
import { triedVersion } from "../../../../lib/tools/generation/tried-version.ts";
import { type TestHost, testHost } from "../../../support/host.ts";
import { addVersion, makeSystem } from "../../../support/system-directory.ts";

/** What counts as the k3s that has run, after a change from v1.35 to v1.36, of which the record then says more. */
function tried(
  kind: Trial["kind"],
  then: (system: string, trial: Trial, host: TestHost) => void = () => undefined,
): string | undefined {
  using host = testHost();
  const system = makeSystem(host.root, { k3os: ["v1"], k3s: ["v1.35"] });
  addVersion(system, "k3s", "v1.36");
  const parts = partsOf(readLinks(system), { k3s: "v1.36" });
  changeGeneration(system, { kind, since: "2030", keep: 0, tolerated: [], keepData: false, parts }, host);
  const trial = readTrial(system);
  if (trial === undefined) throw new Error("There is no trial");
  then(system, trial, host);
  expect(triedVersion(system, "k3os")).toBe("v1");
  return triedVersion(system, "k3s");
}

test("triedVersion() is the current version without a change, and none of what is not there", () => {
  using host = testHost();
  const system = makeSystem(host.root, { k3os: ["v2", "v1"] });
  expect(triedVersion(system, "k3os")).toBe("v2");
  expect(triedVersion(system, "k3s")).toBeUndefined();
});

test("triedVersion() is the one before an upgrade that waits for its boot, or that the next boot takes back", () => {
  expect(tried("upgrade")).toBe("v1.35");
  const fail = (system: string, trial: Trial, host: TestHost) =>
    failTrial(system, { ...trial, started: true }, "no", host);
  expect(tried("upgrade", fail)).toBe("v1.35");
});

test("triedVersion() is the new one once a boot tries it, and after a rollback", () => {
  expect(tried("upgrade", (system, trial) => writeTrial(system, { ...trial, started: true }))).toBe("v1.36");
  expect(tried("rollback")).toBe("v1.36");
});
