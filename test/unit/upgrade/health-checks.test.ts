import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { readLinks } from "../../../lib/tools/generation/generation-links.ts";
import { changeGeneration, partsOf, readTrial } from "../../../lib/tools/generation/trial.ts";
import type { RunResult } from "../../../lib/tools/host/host.ts";
import {
  type NotApplied,
  readOutcome,
  readRecord,
  recordOutcome,
  writeOutcome,
} from "../../../lib/tools/node/applied.ts";
import { judgeTrial } from "../../../lib/upgrade/bless.ts";
import { findFaults } from "../../../lib/upgrade/health-checks.ts";
import { type ApiServer, serveApi } from "../../support/api-server.ts";
import { hurriedClock, type TestHost, testHost } from "../../support/host.ts";
import { addVersion, linksOf, makeSystem } from "../../support/system-directory.ts";

const HOUR = 3_600_000;

/** What `systemctl show` says of each unit; changed by the tests. */
let units: Record<string, string>;
/** Why the API is not ready; empty: it is. */
let answerReadyz: () => string;
let own: Partial<RunResult>;
/** What the journal has of the end of k3s, and of what it said. */
let ends: { readonly exit?: string; readonly line?: string };
let host: TestHost;
let api: ApiServer;
let admin: string;

const UNIT_FILE = "/etc/systemd/system/k3s-service.service";

/** As `systemctl show` separates units. */
const show = (args: readonly string[]) => ({
  stdout: args
    .slice(4)
    .map((name) => units[name] ?? "")
    .join("\n\n"),
});

beforeAll(async () => {
  api = await serveApi(({ path }) => {
    const trouble = path === "/readyz" ? answerReadyz() : "not there";
    return trouble === "" ? "ok" : [500, trouble];
  });
  admin = api.kubeconfig("system:admin");
});
afterAll(() => api[Symbol.asyncDispose]());

beforeEach(() => {
  units = {
    "multi-user.target": "ActiveState=active",
    "ccapply.service": "ActiveState=active\nResult=success",
    "k3s-service.service": "ActiveState=active\nNRestarts=0",
  };
  answerReadyz = () => "";
  own = {};
  ends = {};
  host = testHost({
    files: { [UNIT_FILE]: "[Service]\nExecStart=/sbin/k3s server --x\n", "/etc/rancher/k3s/k3s.yaml": admin },
    answer: ([program = "", ...args]) => {
      if (program === "systemctl") return show([program, ...args]);
      if (args.some((word) => word.startsWith("MESSAGE_ID="))) return { stdout: ends.exit ?? "" };
      if (args.includes("_SYSTEMD_UNIT=k3s-service.service")) return { stdout: ends.line ?? "" };
      return program.includes("health.d") ? own : { stdout: "the journal\n" };
    },
  });
});
afterEach(() => host[Symbol.dispose]());

/** Some later start of k3s is running, or due. */
function restarted(times: number, state = "activating"): void {
  units["multi-user.target"] = "ActiveState=inactive";
  units["k3s-service.service"] = `ActiveState=${state}\nSubState=auto-restart\nNRestarts=${times - 1}`;
}

function put(path: string, mode = 0o644): void {
  mkdirSync(dirname(join(host.root, path)), { recursive: true });
  writeFileSync(join(host.root, path), "");
  chmodSync(join(host.root, path), mode);
}

describe("findFaults()", () => {
  test("has none of a machine on which everything is well", async () => {
    put("/var/lib/rancher/k3os/health.d/10-disk", 0o755);
    put("/var/lib/rancher/k3os/health.d/README");
    expect(await findFaults(host)).toEqual([]);
    expect(host.programs.some(({ argv }) => argv[0]?.endsWith("10-disk"))).toBe(true);
    expect(host.programs.some(({ argv }) => argv[0]?.endsWith("README"))).toBe(false);
  });

  test("says of everything what is wrong with it", async () => {
    put("/var/lib/rancher/k3os/health.d/10-disk", 0o755);
    units["multi-user.target"] = "ActiveState=inactive";
    units["ccapply.service"] = "ActiveState=failed\nResult=exit-code";
    answerReadyz = () => "[+]ping ok\n[-]etcd failed\n[+]log ok\nreadyz check failed\n";
    own = { code: 3, stdout: "disk full\n" };
    expect(await findFaults(host)).toEqual([
      "system: multi-user.target is inactive",
      "configuration: ccapply.service is failed (exit-code)",
      "k3s: the server is not ready: [-]etcd failed",
      "health.d: 10-disk ended with status 3: disk full",
    ]);
  });

  test("wants k3s to run where it is configured, and only there", async () => {
    units["k3s-service.service"] = "ActiveState=activating";
    expect(await findFaults(host)).toEqual(["k3s: k3s-service.service is activating"]);
    using bare = testHost({ answer: (argv) => show(argv) });
    expect(await findFaults(bare)).toEqual([]);
  });

  test("asks the kubelet of an agent", async () => {
    writeFileSync(join(host.root, UNIT_FILE), "[Service]\nExecStart=/sbin/k3s agent\n");
    expect((await findFaults(host))[0]).toContain("127.0.0.1:10248");
  });
});

describe("judgeTrial()", () => {
  let system: string;

  beforeEach(() => {
    system = makeSystem(host.root, { k3os: ["v2", "v1"], kernel: ["6.1"] });
    addVersion(system, "k3os", "v3");
  });

  function tryNew(): void {
    const parts = partsOf(readLinks(system), { k3os: "v3" });
    const since = "2030";
    const change = { kind: "upgrade", since, parts, keep: 0, tolerated: [], keepData: false } as const;
    changeGeneration(system, change, host);
  }

  test("has nothing to judge where nothing is on trial", async () => {
    expect(await judgeTrial(1000, host)).toBeUndefined();
  });

  test("keeps what is healthy, and removes what nobody needs any more", async () => {
    tryNew();
    expect(await judgeTrial(1000, host)).toEqual([]);
    expect(readTrial(system)).toBeUndefined();
    expect(linksOf(system)).toBe("k3os v3<v2, kernel 6.1<6.1");
    expect(existsSync(join(system, "k3os/v1"))).toBe(false);
  });

  test("waits as long as it may, then has it changed back, and keeps the journal", async () => {
    tryNew();
    restarted(38);
    ends = { exit: JSON.stringify({ EXIT_CODE: "exited", EXIT_STATUS: "1" }) };
    const started = host.clock.monotonic();
    expect(await judgeTrial(600_000, host)).toEqual(["k3s ended with status 1, 38 times"]);
    const waited = host.clock.monotonic() - started;
    expect(waited).toBeGreaterThanOrEqual(600_000);
    expect(waited).toBeLessThan(620_000);
    expect(readTrial(system)).toMatchObject({ state: "failed", reason: "k3s ended with status 1, 38 times" });
    expect(readFileSync(join(host.root, "var/lib/rancher/k3os/failed/v3.journal.log"), "utf8")).toBe(
      "the journal\n",
    );
  });

  test("looks seldom, by one program, and asks the journal and the user's checks only in the end", async () => {
    put("/var/lib/rancher/k3os/health.d/10-disk", 0o755);
    tryNew();
    restarted(2);
    await judgeTrial(600_000, host);
    const calls = host.programs.map(
      ({ argv: [program = "", word] }) => `${program.split("/").at(-1)} ${word}`,
    );
    expect(calls.filter((call) => call === "systemctl show").length).toBeLessThan(40);
    const others = calls.filter((call) => call !== "systemctl show");
    const end = ["journalctl --boot", "journalctl --boot"]; // how k3s ended, and its last line
    expect(others).toEqual([...end, "10-disk undefined", "journalctl --boot"]);
  });

  test("gives a k3s that still starts three times as long, and no more", async () => {
    tryNew();
    units["multi-user.target"] = "ActiveState=inactive";
    units["k3s-service.service"] = "ActiveState=activating\nSubState=start\nNRestarts=0";
    const started = host.clock.monotonic();
    expect(await judgeTrial(600_000, host)).toEqual(["k3s: k3s-service.service is activating"]);
    const waited = host.clock.monotonic() - started;
    expect(waited).toBeGreaterThanOrEqual(1_800_000);
    expect(waited).toBeLessThan(1_820_000);
  });

  test("keeps a k3s that is ready after the deadline", async () => {
    tryNew();
    const started = host.clock.monotonic();
    answerReadyz = () => (host.clock.monotonic() - started < 900_000 ? "[-]poststarthook failed" : "");
    expect(await judgeTrial(600_000, host)).toEqual([]);
  });

  test.each([
    ["healthy", ""],
    ["not healthy", "no"],
  ])(
    "found the versions %s, and leaves alone what another upgrade put on trial meanwhile",
    async (_, trouble) => {
      tryNew();
      addVersion(system, "k3os", "v4");
      const since = "2031";
      answerReadyz = () => {
        const parts = partsOf(readLinks(system), { k3os: "v4" });
        if (readTrial(system)?.since !== since)
          changeGeneration(
            system,
            { kind: "upgrade", since, parts, keep: 0, tolerated: [], keepData: false },
            host,
          );
        return trouble;
      };
      expect(await judgeTrial(1000, host)).toBeUndefined();
      expect(readTrial(system)).toMatchObject({ state: "trial", since });
      expect(linksOf(system)).toStartWith("k3os v4<");
    },
  );

  test.each([
    ["forwards", 4 * HOUR],
    ["backwards", -4 * HOUR],
  ])("measures time by no clock that somebody sets %s", async (_, jump) => {
    const jumping = { ...host, clock: hurriedClock({ jump }) };
    tryNew();
    let looks = 0;
    answerReadyz = () => (++looks < 20 ? "no" : "");
    expect(await judgeTrial(600_000, jumping)).toEqual([]);
    tryNew();
    answerReadyz = () => (++looks < 1000 ? "no" : "");
    expect(await judgeTrial(600_000, jumping)).toHaveLength(1);
  });

  describe("and a configuration that does not achieve everything", () => {
    const FAILED = "ActiveState=failed\nResult=exit-code";
    const failure = (path: string, more = {}) => ({ applier: "run_cmd", path, message: "no", ...more });

    let runs = 0;

    /** What the latest start has made of a configuration of commands and a key. */
    function outcome(commands: readonly string[], failures: readonly NotApplied[], done = true): void {
      const items = Object.fromEntries(commands.map((line, at) => [`run_cmd[${at}]`, line]));
      const all = { ...items, "ssh_authorized_keys[0]": "github:somebody" };
      const run = `${runs++}`;
      const phases = { runtime: { run, done, config: commands.join(), items: all, failures } };
      writeOutcome({ sources: "same", broken: [], phases }, host);
    }

    /** As after so many starts under the versions before. */
    function before(commands: readonly string[], failures: readonly NotApplied[], starts = 2): void {
      for (let start = 0; start < starts; start++) {
        outcome(commands, failures);
        recordOutcome(host);
      }
    }

    test("keeps what comes from a version that has left no record", async () => {
      outcome(["sudo ifconfig eth0 up"], [failure("run_cmd[0]")]);
      units["ccapply.service"] = FAILED;
      tryNew();
      expect(await judgeTrial(1000, host)).toEqual([]);
      // and from here on there is one
      expect(readRecord(host)?.phases.runtime).toBeDefined();
    });

    test("keeps it where the same failed before", async () => {
      before(["bad", "good"], [failure("run_cmd[0]")]);
      outcome(["new", "good", "bad"], [failure("run_cmd[2]"), failure("run_cmd[0]")]);
      units["ccapply.service"] = FAILED;
      tryNew();
      expect(await judgeTrial(1000, host)).toEqual([]);
    });

    test("goes back where a command succeeded before", async () => {
      before(["good"], []);
      outcome(["new", "good"], [failure("run_cmd[1]")]);
      units["ccapply.service"] = FAILED;
      tryNew();
      expect(await judgeTrial(1000, host)).toEqual([
        "configuration: achieved before, and not now: run_cmd[1]: no",
      ]);
    });

    test("does not take one success of a command for a promise: many succeed only once", async () => {
      before(["mkdir /var/lib/x"], [], 1);
      outcome(["mkdir /var/lib/x"], [failure("run_cmd[0]")]);
      units["ccapply.service"] = FAILED;
      tryNew();
      expect(await judgeTrial(1000, host)).toEqual([]);
    });

    test("does not mind keys that cannot be fetched: those known before stay", async () => {
      before([], []);
      outcome([], [failure("ssh_authorized_keys[0]", { kept: true })]);
      units["ccapply.service"] = FAILED;
      tryNew();
      expect(await judgeTrial(1000, host)).toEqual([]);
    });

    test("goes back where the same files were valid before", async () => {
      before([], []);
      const { phases = {} } = readOutcome(host) ?? {};
      writeOutcome({ sources: "same", broken: ["config.yaml:1: hostname: found nonsense"], phases }, host);
      units["ccapply.service"] = FAILED;
      tryNew();
      expect((await judgeTrial(1000, host))?.[0]).toContain("hostname: found nonsense");
    });

    test("does not wait for a command that never ends, unless it ended before", async () => {
      outcome(["sleep infinity"], [], false);
      units["ccapply.service"] = "ActiveState=activating\nResult=success";
      tryNew();
      const started = host.clock.monotonic();
      expect(await judgeTrial(600_000, host)).toEqual([]);
      expect(host.clock.monotonic() - started).toBeLessThan(10_000);
      before(["good"], []);
      outcome(["good", "sleep infinity"], [], false);
      tryNew();
      expect(await judgeTrial(600_000, host)).toEqual([]);
      before(["slow"], []);
      outcome(["slow"], [], false);
      tryNew();
      expect(await judgeTrial(600_000, host)).toEqual(["configuration: ccapply.service is activating"]);
    });

    test.each(["signal", "core-dump", "exit-code"])(
      "goes back where the program itself ends by %s",
      async (result) => {
        outcome([], [], false);
        units["ccapply.service"] = `ActiveState=failed\nResult=${result}`;
        tryNew();
        expect((await judgeTrial(1000, host))?.[0]).toContain("has ended before its work was done");
      },
    );
  });
});
