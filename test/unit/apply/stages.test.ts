import { describe, expect, test } from "bun:test";
import type { Applier } from "../../../lib/apply/applier.ts";
import { applyAll, applyPhase, PHASES } from "../../../lib/apply/stages.ts";
import { testHost } from "../../support/host.ts";
import { treeOf } from "../../support/tree.ts";

const PASSWD = "rancher:x:1000:1000::/home/rancher:/bin/bash\n";

/** An applier that waits until it is told to end. */
function blocked(patience: number): { applier: Applier; end: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { applier: { name: "blocked", patience, apply: () => promise }, end: resolve };
}

describe("PHASES", () => {
  test("start k3s at the end of the runtime phase, after everything that it may need", () => {
    expect(PHASES.runtime.at(-1)?.name).toBe("k3s");
    expect(PHASES.runtime.map(({ name }) => name)).toEqual([
      "modules",
      "sysctls",
      "hostname",
      "timezone",
      "dns and ntp",
      "wifi",
      "password",
      "ssh_authorized_keys",
      "ssh_keys_refresh",
      "write_files",
      "environment",
      "run_cmd",
      "install",
      "k3s",
    ]);
  });

  test("let no other applier wait for run_cmd for ever", () => {
    expect(PHASES.runtime.find(({ name }) => name === "run_cmd")?.patience).toBeLessThanOrEqual(120_000);
  });
});

describe("applyAll()", () => {
  test("goes on after an applier that failed, and returns all failures", async () => {
    using host = testHost();
    const done: string[] = [];
    const appliers: Applier[] = [
      {
        name: "first",
        apply: () => {
          throw new Error("broken");
        },
      },
      { name: "second", apply: async () => Promise.reject(new Error("broken too")) },
      { name: "third", apply: () => void done.push("third") },
    ];
    const failures = await applyAll("boot", appliers, {}, host);
    expect(done).toEqual(["third"]);
    expect(failures).toEqual([
      { phase: "boot", applier: "first", message: "broken" },
      { phase: "boot", applier: "second", message: "broken too" },
    ]);
    expect(host.logged).toContain("Error: Cannot apply first: broken");
  });

  test("goes on past one that still works, and waits for it in the end", async () => {
    using host = testHost();
    const order: string[] = [];
    const { applier, end } = blocked(5);
    const next: Applier = {
      name: "next",
      apply: () => {
        order.push("next");
        end();
      },
    };
    await applyAll("runtime", [applier, next], {}, host).then(() => order.push("all"));
    expect(order).toEqual(["next", "all"]);
    expect(host.logged).toContain("Warning: blocked still runs after 0.005 s: going on without it");
  });
});

describe("applyPhase()", () => {
  test("reports every bad entry by its path, and applies the others", async () => {
    using host = testHost({ files: { "/etc/passwd": PASSWD } });
    const config = {
      hostname: "bad name",
      k3os: { sysctls: { "no.such": "1" }, dataSources: ["aws", "$"], dnsNameservers: ["1.1.1.1"] },
      writeFiles: [{ path: "/a" }, { path: "/b", owner: "none" }],
      bootCmd: ["true"],
    };
    const failures = await applyPhase("boot", config, host);
    expect(failures.map(({ applier, path }) => path ?? applier)).toEqual([
      "k3os.data_sources[1]",
      "k3os.sysctls[no.such]",
      "hostname",
      "write_files[1]",
    ]);
    expect(Object.keys(treeOf(host.root))).toContain("/a");
    expect(Object.keys(treeOf(host.root))).toContain("/etc/connman/main.conf");
    expect(host.lines).toEqual(["true"]);
  });

  test.each(["initrd", "boot", "runtime", "install"] as const)(
    "has nothing to report for %s without settings",
    async (phase) => {
      using host = testHost({ files: { "/etc/passwd": PASSWD, "/sbin/k3s": "" } });
      expect(await applyPhase(phase, {}, host)).toEqual([]);
    },
  );

  test("changes nothing in a dry run, and says what it would", async () => {
    const uid = process.getuid?.() ?? 0;
    using host = testHost({
      files: {
        "/etc/passwd": `rancher:x:${uid}:${process.getgid?.() ?? 0}::/home/rancher:/bin/bash\n`,
        "/etc/hosts": "127.0.1.1 old\n",
        "/proc/sys/kernel/hostname": "old\n",
        "/proc/sys/vm/swappiness": "60\n",
        "/sbin/k3s": "",
      },
    });
    const config = {
      hostname: "new",
      sshAuthorizedKeys: [
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl a",
      ],
      writeFiles: [{ path: "/etc/x" }],
      runCmd: ["true"],
      k3os: {
        modules: ["nbd"],
        sysctls: { "vm.swappiness": "1" },
        password: "secret",
        wifi: [{ name: "home" }],
        environment: { A: "b" },
        token: "secret",
      },
    };
    const before = treeOf(host.root);
    expect(await applyPhase("runtime", config, { ...host, dryRun: true })).toEqual([]);
    expect(treeOf(host.root)).toEqual(before);
    expect(host.programs).toEqual([]);
    expect(host.lines).toEqual([]);
    const said = host.logged.filter((line) => line.startsWith("Would "));
    expect(said).toContain('Would write "/etc/x"');
    expect(said).toContain('Would write "/home/rancher/.ssh/authorized_keys"');
    expect(said).toContain('Would load the kernel module "nbd"');
    expect(said.join()).not.toContain("secret");
  });
});
