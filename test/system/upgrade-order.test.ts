import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type RunResult, runProgram } from "../../lib/tools/host/host.ts";
import { EXIT } from "../../lib/tools/text/errors.ts";
import { type ApiServer, serveApi } from "../support/api-server.ts";
import { openSandbox } from "../support/sandbox.ts";
import { addVersion, linksOf, makeSystem } from "../support/system-directory.ts";
import { createUpgrader, EXECUTABLE } from "../support/upgrader.ts";

/** The machine is a directory, as a Plan's container sees it below /host. */
let machine: string;
let system: string;
let image: string;

const UNIT = "etc/systemd/system/k3s-service.service";
const OLD = "v1.35.3+k3s1";

beforeEach(() => {
  machine = mkdtempSync(join(tmpdir(), "k3os-order-"));
  system = makeSystem(machine, { k3os: ["v1"], k3s: [OLD] });
  image = "";
});
afterEach(() => {
  for (const directory of [machine, image]) if (directory !== "") rmSync(directory, { recursive: true });
});

function put(path: string, text: string): void {
  mkdirSync(dirname(join(machine, path)), { recursive: true });
  writeFileSync(join(machine, path), text);
}

/** A node of that role, in the cluster of an API server. */
function enroll(role: string, api?: ApiServer): void {
  put(UNIT, `[Service]\nExecStart=/sbin/k3s ${role}\n`);
  if (api === undefined) return;
  put("var/lib/rancher/k3s/agent/kubelet.kubeconfig", api.kubeconfig("system:node:a"));
  if (role === "server") put("etc/rancher/k3s/k3s.yaml", api.kubeconfig("system:admin"));
}

/** Runs `k3os upgrade` from an image with that k3s, as the job of a Plan does. */
function upgrade(k3s: string, ...more: readonly string[]): Promise<RunResult> {
  if (image === "") image = mkdtempSync(join(tmpdir(), "k3os-image-"));
  const source = join(image, k3s, "k3os/system");
  if (!existsSync(source)) makeSystem(join(image, k3s), { k3os: ["v2"], k3s: [k3s] });
  const places = ["--source", source, "--destination", system, "--lock-file", join(machine, "run/lock")];
  return runProgram([EXECUTABLE, "upgrade", "--rootfs", ...places, ...more], { check: false });
}

const before = `k3os v1<-, k3s ${OLD}<-`;

describe("k3os upgrade", () => {
  test("refuses a server that would skip a minor, before it copies", async () => {
    enroll("server");
    for (const flags of [["--check"], []]) {
      const { code, stderr } = await upgrade("v1.37.1+k3s1", ...flags);
      expect([code, linksOf(system)]).toEqual([EXIT.refused, before]);
      expect(stderr).toContain(`this server has ${OLD}, and goes through v1.36 first`);
      expect(stderr).toContain("--allow-skew");
    }
    expect(existsSync(join(system, "k3os/v2"))).toBe(false);
  });

  test("checks without a change that the next minor may come, and upgrades to it", async () => {
    enroll("server");
    const checked = await upgrade("v1.36.3+k3s1", "--check");
    expect([checked.code, linksOf(system)]).toEqual([0, before]);
    expect(checked.stdout).toContain(`k3s ${OLD} → v1.36.3+k3s1`);
    expect((await upgrade("v1.36.3+k3s1")).code).toBe(0);
    expect(linksOf(system)).toBe(`k3os v2<v1, k3s v1.36.3+k3s1<${OLD}`);
  });

  test("asks the servers of an agent with the kubelet's certificate", async () => {
    await using api = await serveApi(() => ({ gitVersion: "v1.36.3+k3s1" }));
    enroll("agent", api);
    const refused = await upgrade("v1.37.1+k3s1");
    expect(refused.code).toBe(EXIT.refused);
    expect(refused.stderr).toContain("upgrade the servers to v1.37 first");
    expect((await upgrade("v1.36.3+k3s1", "--check")).code).toBe(0);
    expect(api.calls.map(({ path, user }) => `${path} ${user}`)).toEqual(
      Array.from({ length: 2 }, () => "/version system:node:a"),
    );
    await api[Symbol.asyncDispose]();
    const away = await upgrade("v1.36.3+k3s1", "--check");
    expect([away.code, linksOf(system)]).toEqual([EXIT.refused, before]);
    expect(away.stderr).toContain("The Kubernetes API does not answer");
    const forced = await upgrade("v1.36.3+k3s1", "--force");
    expect(forced.code).toBe(EXIT.refused);
    const allowed = await upgrade("v1.36.3+k3s1", "--allow-skew");
    expect(allowed.code).toBe(0);
    expect(allowed.stderr).toContain("going on because of --allow-skew");
  });

  test("waits for the other servers of an etcd, not for k3os alone", async () => {
    const node = (name: string, status: string) => ({
      metadata: { name, labels: { "node-role.kubernetes.io/etcd": "true" } },
      status: { nodeInfo: { kubeletVersion: OLD }, conditions: [{ type: "Ready", status }] },
    });
    await using api = await serveApi(() => ({ items: [node("a", "False"), node("b", "False")] }));
    enroll("server", api);
    put("var/lib/rancher/k3s/server/db/etcd/name", "a");
    const { code, stderr } = await upgrade("v1.36.3+k3s1", "--check");
    expect(code).toBe(EXIT.refused);
    expect(stderr).toContain("Another server with etcd is not healthy: b (not Ready)");
    expect(api.calls[0]?.user).toBe("system:admin");
    expect((await upgrade(OLD)).code).toBe(0);
    expect(linksOf(system)).toBe(`k3os v2<v1, k3s ${OLD}<${OLD}`);
  });

  test("takes no script for a k3s, and nothing that prints another version", async () => {
    enroll("server");
    const source = makeSystem(join(system, "../../image"), { k3os: ["v2"], k3s: ["v1.36.0+k3s1"] });
    const file = join(source, "k3s/v1.36.0+k3s1/k3s");
    const run = () => {
      const places = ["--source", source, "--destination", system, "--lock-file", join(machine, "run/lock")];
      return runProgram([EXECUTABLE, "upgrade", "--rootfs", ...places], { check: false });
    };
    writeFileSync(file, "#!/bin/sh\nexit 1\n");
    const script = await run();
    expect([script.code, linksOf(system)]).toEqual([1, before]);
    expect(script.stderr).toContain("expected an ELF program");
    const other = join(machine, "other");
    addVersion(other, "k3s", "v1.36.1+k3s1");
    rmSync(file);
    await runProgram(["cp", join(other, "k3s/v1.36.1+k3s1/k3s"), file]);
    chmodSync(file, 0o755);
    const named = await run();
    expect([named.code, linksOf(system)]).toEqual([1, before]);
    expect(named.stderr).toContain("expected v1.36.0+k3s1, found v1.36.1+k3s1");
  });

  test("says in one line what is missing", async () => {
    const { code, stderr } = await runProgram([EXECUTABLE, "upgrade", "--rootfs"], { check: false });
    expect([code, stderr]).toEqual([
      2,
      'Error: Missing --source: expected the directory of the new versions\nRun "k3os upgrade --help" for details.\n',
    ]);
  });
});

describe("k3os upgrade-rootfs", () => {
  const [R36, R37] = ["v0.36.3-k3s1r0", "v0.37.1-k3s1r0"];

  test("takes the newest step to the latest release, and says that more follow", async () => {
    using upgrader = createUpgrader();
    const unit = join(upgrader.system, "../..", UNIT);
    mkdirSync(dirname(unit), { recursive: true });
    writeFileSync(unit, "[Service]\nExecStart=/sbin/k3s server\n");
    await upgrader.release("v0.31.9-k3s1r0", { k3s: "v1.31.9+k3s1", declared: "v1.31.9+k3s1" });
    await upgrader.release(R36, { k3s: "v1.36.3+k3s1", declared: "v1.36.3+k3s1" });
    await upgrader.release(R37, { k3s: "v1.37.1+k3s1", declared: "v1.37.1+k3s1" });
    await runProgram(["ln", "-s", R37, join(upgrader.releases, "latest")]);
    const named = await upgrader.run(["upgrade-rootfs"], { K3OS_VERSION: R36 });
    expect(named.code).toBe(EXIT.refused);
    expect(named.stderr).toContain("goes through v1.31 first");
    const { code, stdout } = await upgrader.run(["upgrade-rootfs"]);
    expect(code).toBe(0);
    expect(stdout).toContain(`The latest release is ${R37} with k3s v1.37.1+k3s1`);
    expect(stdout).toContain("goes through v0.31.9-k3s1r0 with k3s v1.31.9+k3s1 first");
    expect(linksOf(upgrader.system)).toContain("k3os v0.31.9-k3s1r0<");
    // before the reboot, this k3s has not run: neither the kernel nor another call goes further
    const kernel = await upgrader.run(["upgrade-kernel", "--dry-run"]);
    expect(kernel.stdout).toContain(`releases/v0.31.9-k3s1r0/k3os-initrd-`);
    expect(kernel.stderr).toBe("");
    const again = await upgrader.run(["upgrade-rootfs"]);
    expect(again.stdout).toContain("There is nothing to do: k3os v0.31.9-k3s1r0 is the current version");
  });

  test("refuses a k3s that declares nothing after the download, and leaves nothing of it", async () => {
    using upgrader = createUpgrader();
    const unit = join(upgrader.system, "../..", UNIT);
    mkdirSync(dirname(unit), { recursive: true });
    writeFileSync(unit, "[Service]\nExecStart=/sbin/k3s server\n");
    await upgrader.release(R36, { k3s: "v1.36.3+k3s1" });
    const all = upgrader.look();
    const { code, stderr } = await upgrader.run(["upgrade-rootfs"], { K3OS_VERSION: R36 });
    expect([code, upgrader.look()]).toEqual([EXIT.refused, all]);
    expect(stderr).toContain("goes through v1.31 first");
  });
});

test("k3os rollback waits for no upgrade that runs, and changes nothing", async () => {
  await using sandbox = await openSandbox();
  const lines = [
    "mkdir -p /run/k3os /k3os/system/k3os/v1 /k3os/system/k3os/v2",
    "ln -s v2 /k3os/system/k3os/current",
    "ln -s v1 /k3os/system/k3os/previous",
    `flock /run/k3os/upgrade.lock ${EXECUTABLE} rollback`,
  ];
  const locked = await sandbox.run(["sh", "-c", lines.join(" && ")], { check: false });
  expect(locked.code).toBe(1);
  expect(locked.stderr).toContain('it holds the lock "/run/k3os/upgrade.lock"');
  const free = await sandbox.run([EXECUTABLE, "rollback"], { check: false });
  expect([free.code, free.stdout]).toEqual([0, "k3os v2 → v1\n"]);
});
