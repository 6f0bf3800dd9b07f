import { describe, expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { applyAndRecord, configItems } from "../../../lib/apply/outcome.ts";
import { readLinks } from "../../../lib/tools/generation/generation-links.ts";
import { changeGeneration, partsOf, readTrial, writeTrial } from "../../../lib/tools/generation/trial.ts";
import { PATH } from "../../../lib/tools/host/paths.ts";
import { notApplied, readOutcome, readRecord } from "../../../lib/tools/node/applied.ts";
import { testHost } from "../../support/host.ts";
import { addVersion, makeSystem } from "../../support/system-directory.ts";

const PASSWD = "rancher:x:1000:1000::/home/rancher:/bin/bash\n";
const config = { runCmd: ["good", "bad"], k3os: { password: "", environment: { A: "1" } } };
/** With a k3s, which is otherwise downloaded. */
const files = { "/etc/passwd": PASSWD, "/sbin/k3s": "k3s", [PATH.systemConfig]: "run_cmd: [good, bad]\n" };
const shell = async (line: string) => (line === "bad" ? 1 : 0);

describe("configItems()", () => {
  test("are the entries that a phase applies, by the paths of messages", () => {
    expect(Object.keys(configItems("runtime", config))).toEqual([
      ...["run_cmd[0]", "run_cmd[1]", "k3os.password", "k3os.environment[A]"],
    ]);
    expect(Object.keys(configItems("boot", { ...config, bootCmd: ["x"] }))).not.toContain("run_cmd[0]");
  });

  test("differ by what they say, not by where they stand", () => {
    const { "run_cmd[0]": one, "run_cmd[1]": other } = configItems("runtime", { runCmd: ["a", "b"] });
    expect(one).not.toBe(other ?? "");
    expect(configItems("runtime", { runCmd: ["b"] })["run_cmd[0]"]).toBe(other ?? "");
  });
});

describe("applyAndRecord()", () => {
  test("writes down what failed, for root only, and counts what succeeds", async () => {
    using host = testHost({ files, shell });
    await applyAndRecord("runtime", { config, diagnostics: [] }, host);
    expect(notApplied(host).join()).toStartWith("run_cmd[1]: ");
    expect(statSync(join(host.root, PATH.outcome)).mode & 0o777).toBe(0o600);
    const counts = () => Object.entries(readRecord(host)?.phases.runtime?.items ?? {});
    const commands = () => counts().filter(([key]) => key.startsWith("run_cmd#"));
    expect(commands().map(([, count]) => count)).toEqual([1]);
    for (let start = 0; start < 3; start++)
      await applyAndRecord("runtime", { config, diagnostics: [] }, host);
    expect(commands().map(([, count]) => count)).toEqual([2]);
    expect(readFileSync(join(host.root, PATH.applied), "utf8")).not.toContain("good");
  });

  test("counts a command of the boot once for each boot", async () => {
    using host = testHost({ files, shell });
    const found = { config: { bootCmd: ["mkdir x"] }, diagnostics: [] };
    const count = () => Object.values(readRecord(host)?.phases.boot?.items ?? {});
    await applyAndRecord("boot", found, host);
    for (let time = 0; time < 3; time++) await applyAndRecord("runtime", found, host);
    expect(count()).toEqual([1]);
    await applyAndRecord("boot", found, host);
    await applyAndRecord("runtime", found, host);
    expect(count()).toEqual([2]);
  });

  test("writes the record only where it says something else", async () => {
    using host = testHost({ files, shell });
    const found = { config, diagnostics: [] };
    for (let time = 0; time < 2; time++) await applyAndRecord("runtime", found, host);
    const before = readFileSync(join(host.root, PATH.applied), "utf8");
    await applyAndRecord("runtime", found, host);
    expect(readFileSync(join(host.root, PATH.applied), "utf8")).toBe(before);
  });

  test("leaves the record as it is while versions are on trial", async () => {
    using host = testHost({ files, shell });
    const system = makeSystem(host.root, { k3os: ["v1"] });
    addVersion(system, "k3os", "v2");
    const change = { kind: "upgrade", since: "2030", keep: 0, tolerated: [], keepData: false } as const;
    changeGeneration(system, { ...change, parts: partsOf(readLinks(system), { k3os: "v2" }) }, host);
    const trial = readTrial(system);
    if (trial === undefined) throw new Error("There is no trial");
    writeTrial(system, { ...trial, started: true });
    await applyAndRecord("runtime", { config, diagnostics: [] }, host);
    expect(readOutcome(host)?.phases.runtime?.done).toBe(true);
    expect(readRecord(host)).toBeUndefined();
    writeTrial(system, { ...trial, started: false });
    await applyAndRecord("runtime", { config, diagnostics: [] }, host);
    expect(readRecord(host)).toBeDefined();
  });

  test("writes nothing in a dry run", async () => {
    using host = testHost({ files, shell });
    await applyAndRecord("runtime", { config, diagnostics: [] }, { ...host, dryRun: true });
    expect(readOutcome(host)).toBeUndefined();
  });

  test("takes a record that a power cut has damaged for none", () => {
    using host = testHost({ files: { [PATH.applied]: '{"pha' } });
    expect(readRecord(host)).toBeUndefined();
  });
});
