import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { k3s } from "../../../lib/apply/k3s-settings.ts";
import type { K3sRelease } from "../../../lib/tools/release/k3s-release.ts";
import { type TestHostOptions, testHost } from "../../support/host.ts";
import { serveLoopback } from "../../support/loopback.ts";
import { outcome } from "../../support/outcome.ts";
import { treeOf } from "../../support/tree.ts";

const UNIT = "/etc/systemd/system/k3s-service.service";
const ENVIRONMENT = "/etc/rancher/k3s/k3s-service.env";
const FILES = { "/sbin/k3s": "#!", "/run/k3os/mode": "local\n" };
const boot = k3s({ start: false });
const runtime = k3s({ start: true });

/** A host whose systemd says that k3s is in this state. */
function hostWith(state: string, files: TestHostOptions["files"] = FILES) {
  return testHost({
    files,
    answer: (argv) => (argv[1] === "is-active" ? { code: 3, stdout: `${state}\n` } : {}),
  });
}

function releaseAt(origin: string): K3sRelease {
  return { version: "v1.2.3+k3s1", url: `${origin}/k3s`, sums: `${origin}/sums`, sha256: undefined };
}

/** What systemd was told to do. */
function orders(host: ReturnType<typeof testHost>): string[] {
  return host.programs
    .map(({ argv }) => argv.slice(1).join(" "))
    .filter((line) => !line.startsWith("is-active"));
}

describe("k3s", () => {
  test("is configured in the boot phase, and not started", async () => {
    using host = hostWith("inactive");
    await boot.apply({ k3os: { token: "secret", serverUrl: "https://s:6443" } }, host);
    expect(readFileSync(host.root + UNIT, "utf8")).toContain("\nExecStart=/sbin/k3s agent --node-label ");
    expect(readFileSync(host.root + UNIT, "utf8")).not.toContain("secret");
    expect(readFileSync(host.root + ENVIRONMENT, "utf8")).toContain('K3S_TOKEN="secret"\n');
    expect(statSync(host.root + ENVIRONMENT).mode & 0o7777).toBe(0o600);
    expect(host.programs).toEqual([]);
  });

  test.each([
    ["if nothing comes later that concerns it", {}, true],
    ["not if a data source may bring settings", { k3os: { dataSources: ["aws"] } }, false],
    ["not before the commands of the user", { runCmd: ["true"] }, false],
  ])("may start before the runtime phase: %s", async (_, config, early) => {
    using host = hostWith("inactive");
    await boot.apply(config, host);
    expect(existsSync(`${host.root}/run/k3os/early-k3s`)).toBe(early);
  });

  test("is started in the runtime phase, without waiting for it", async () => {
    using host = hostWith("inactive");
    await boot.apply({}, host);
    await runtime.apply({}, host);
    expect(orders(host)).toEqual(["--no-block start k3s-service.service"]);
  });

  test("is left alone while it runs and nothing changed", async () => {
    using host = hostWith("active");
    await boot.apply({}, host);
    const before = treeOf(host.root);
    await runtime.apply({}, host);
    expect(treeOf(host.root)).toEqual(before);
    expect(orders(host)).toEqual([]);
  });

  test.each([
    ["its arguments", { k3os: { k3sArgs: ["server", "--x"] } }, ["daemon-reload"]],
    ["its environment", { k3os: { token: "new" } }, []],
  ])("is restarted when %s changed", async (_, config, reload) => {
    using host = hostWith("active");
    await boot.apply({}, host);
    await runtime.apply(config, host);
    expect(orders(host)).toEqual([...reload, "--no-block restart k3s-service.service"]);
  });

  test("is restarted when its executable was exchanged", async () => {
    using host = hostWith("active");
    await boot.apply({}, host);
    writeFileSync(`${host.root}/sbin/k3s`, "#! a newer one");
    await runtime.apply({}, host);
    expect(orders(host)).toEqual(["daemon-reload", "--no-block restart k3s-service.service"]);
  });

  test("may be the user's own", async () => {
    using host = hostWith("inactive", { "/usr/local/bin/k3s": "#!" });
    await boot.apply({}, host);
    expect(readFileSync(host.root + UNIT, "utf8")).toContain("\nExecStart=/usr/local/bin/k3s server ");
  });

  test("is fetched where it is missing and may be, with the names it has beside", async () => {
    await using server = await serveLoopback((request, response) => {
      const sum = createHash("sha256").update("new k3s").digest("hex");
      response.end(request.url === "/sums" ? `${"0".repeat(64)}  k3s-arm64\n${sum}  k3s\n` : "new k3s");
    });
    using host = hostWith("inactive", { "/usr/local/bin/ctr": "the user's own" });
    await k3s({ start: true, release: () => releaseAt(server.origin) }).apply({}, host);
    expect(readFileSync(`${host.root}/usr/local/bin/kubectl`, "utf8")).toBe("new k3s");
    expect(readFileSync(`${host.root}/usr/local/bin/ctr`, "utf8")).toBe("the user's own");
    expect(statSync(`${host.root}/usr/local/bin/k3s`).mode & 0o7777).toBe(0o755);
    expect(orders(host)).toEqual(["daemon-reload", "--no-block restart k3s-service.service"]);
  });

  test.each([
    ["pinned", { sha256: "0".repeat(64) }],
    ["published", {}],
  ])("is refused when it has not the %s digest", async (_, pin) => {
    await using server = await serveLoopback((request, response) => {
      response.end(request.url === "/sums" ? `${"0".repeat(64)}  k3s\n` : "evil");
    });
    using host = hostWith("inactive", {});
    const applier = k3s({ start: true, release: () => ({ ...releaseAt(server.origin), ...pin }) });
    expect(await outcome(applier, {}, host)).toContain("is not the expected file");
    expect(Object.keys(treeOf(host.root))).toEqual([]);
  });

  test("is done without, with a warning, when its server is unreachable", async () => {
    using host = hostWith("inactive", {});
    const applier = k3s({ start: true, release: () => releaseAt("http://127.0.0.1:1") });
    expect(await outcome(applier, {}, host)).toBe("");
    expect(host.logged.at(-1)).toMatch(
      /^Warning: Cannot fetch .*connection refused.*without k3s, which is tried again by/,
    );
    expect(host.programs).toEqual([]);
  });

  test("is missing where its file is empty", async () => {
    using host = hostWith("inactive", { "/usr/local/bin/k3s": "" });
    await k3s({ start: false }).apply({}, host);
    expect(host.logged.join()).toContain("k3s is not installed");
  });

  test("is left out where it is not installed", async () => {
    using host = hostWith("inactive", {});
    await runtime.apply({}, host);
    expect(host.programs).toEqual([]);
    expect(host.logged.join()).toContain("k3s is not installed");
  });

  test("is left out while installing", async () => {
    using host = hostWith("inactive", { ...FILES, "/run/k3os/mode": "install\n" });
    await runtime.apply({}, host);
    expect(existsSync(host.root + UNIT)).toBe(false);
  });

  test("is left as it is when a value cannot be written, whose path is told", async () => {
    using host = hostWith("active");
    const message = await outcome(runtime, { k3os: { k3sArgs: ["server", "a\nb"], token: "x\ny" } }, host);
    expect(message).toMatch(/^k3os\.k3s_args\[1\]: Found a line break.*k3os\.token: Found a line break/);
    expect(existsSync(host.root + UNIT)).toBe(false);
    expect(existsSync(host.root + ENVIRONMENT)).toBe(false);
  });
});
