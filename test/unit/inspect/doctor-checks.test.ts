import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  hasPassword,
  judgeApplied,
  judgeConfiguration,
  judgeLogin,
} from "../../../lib/inspect/checks/check-configuration.ts";
import {
  diskIdentity,
  judgeDisk,
  judgeIdentity,
  judgeSystemMount,
} from "../../../lib/inspect/checks/check-disk.ts";
import { judgeCertificates, k3sCertificates } from "../../../lib/inspect/checks/check-k3s.ts";
import { judgeClock, judgeKernel, judgeMemory } from "../../../lib/inspect/checks/check-machine.ts";
import { answers, judgeHostName, judgeResolution } from "../../../lib/inspect/checks/check-network.ts";
import { errorsOf, judgeStarts } from "../../../lib/inspect/checks/check-services.ts";
import { judgeSshServer, sshServer } from "../../../lib/inspect/checks/check-ssh-server.ts";
import { currentVersions, judgeMenu, judgeQuarantine } from "../../../lib/inspect/checks/check-versions.ts";
import { type Check, defineCheck, runChecks, type Verdict } from "../../../lib/inspect/doctor-check.ts";
import { grubConfig } from "../../../lib/tools/disk/grub.ts";
import { GIB, MIB } from "../../../lib/tools/fs/size.ts";
import { CERTIFICATE } from "../../support/certificate.ts";
import { testHost } from "../../support/host.ts";
import { k3osNode } from "../../support/k3os-node.ts";
import { serveLoopback } from "../../support/loopback.ts";

const KERNEL = {
  report: { missing: [], off: [], unknown: [], network: [], pods: [], optional: [] },
  ...{ unified: true, k3s: "v1.36.3+k3s1" },
};
const DISK = {
  ...{ device: "/dev/vda1", type: "ext4", size: 100 * GIB, used: 50 * GIB, free: 50 * GIB, readOnly: false },
  ...{ inodes: 1000, freeInodes: 500 },
};
const IDENTITY = { device: "/dev/vda1", labelled: [], copies: [], named: true };
const MENU = grubConfig({ uuid: "x", consoles: [], debug: false });
const SSH_SERVER = { refusal: undefined, settings: ["passwordauthentication no\nport 22\n"] };
const END = Date.parse("2030-01-01");
const DAY = 24 * 3600 * 1000;
const certificate = {
  all: [
    { name: "a.crt", end: END + 1000 * DAY },
    { name: "b.crt", end: END },
  ],
};
const place = { source: "/a.yaml", line: 1, column: 2 };
const unknown = { severity: "warning", place, path: "x", message: "unknown key" } as const;

const VERDICTS: readonly [what: string, verdict: Verdict, state: Verdict["state"], message: string][] = [
  ["a configuration in effect", judgeApplied([]), "ok", "everything"],
  ["a command that failed", judgeApplied(["run_cmd[0]: no"]), "failure", "run_cmd[0]: no"],
  ["memory of a server", judgeMemory({ bytes: 1.9 * GIB, role: "server" }), "ok", "1.9 GiB, server"],
  ["memory too small for a server", judgeMemory({ bytes: GIB, role: "server" }), "warning", "server"],
  ["memory of an agent", judgeMemory({ bytes: 490 * MIB, role: "agent" }), "ok", "agent"],
  ["memory too small", judgeMemory({ bytes: 256 * MIB, role: undefined }), "failure", "256 MiB"],
  ["a whole kernel", judgeKernel(KERNEL), "ok", "all"],
  [
    "a kernel without",
    judgeKernel({ ...KERNEL, report: { ...KERNEL.report, network: ["br_netfilter"] } }),
    "failure",
    "br_netfilter",
  ],
  [
    "what was switched off",
    judgeKernel({ ...KERNEL, report: { ...KERNEL.report, off: ["memory"] } }),
    "failure",
    "memory",
  ],
  ["old cgroups", judgeKernel({ ...KERNEL, unified: false }), "failure", "which k3s v1.36.3+k3s1 needs"],
  [
    "old cgroups of an old k3s",
    judgeKernel({ ...KERNEL, unified: false, k3s: "v1.34.1+k3s1" }),
    "warning",
    "version 2",
  ],
  [
    "a kernel without ipvs",
    judgeKernel({ ...KERNEL, report: { ...KERNEL.report, optional: ["xt_ipvs"] } }),
    "warning",
    "xt_ipvs",
  ],
  [
    "an unknown kernel",
    judgeKernel({ ...KERNEL, report: { ...KERNEL.report, unknown: ["loop"] } }),
    "warning",
    "loop",
  ],
  ["a right clock", judgeClock({ now: END, made: 0, synchronised: true }), "ok", "synchronised"],
  [
    "a clock by itself",
    judgeClock({ now: END, made: 0, synchronised: false }),
    "warning",
    "not synchronised",
  ],
  ["a clock that is wrong", judgeClock({ now: 0, made: END, synchronised: true }), "failure", "1970"],
  ["a disk with room", judgeDisk(DISK), "ok", "50 GiB of 100 GiB free"],
  ["a tight disk", judgeDisk({ ...DISK, free: 9 * GIB }), "warning", "9.0 GiB"],
  ["a small disk", judgeDisk({ ...DISK, size: 4 * GIB, free: 900 * MIB }), "warning", "900 MiB"],
  ["a full disk", judgeDisk({ ...DISK, free: 4 * GIB }), "failure", "pods are evicted"],
  ["a disk without inodes", judgeDisk({ ...DISK, freeInodes: 9 }), "failure", "9 of 1000 inodes"],
  ["a disk that has no inodes to count", judgeDisk({ ...DISK, inodes: 0, freeInodes: 0 }), "ok", "free"],
  ["a disk gone read-only", judgeDisk({ ...DISK, readOnly: true }), "failure", "cannot be written"],
  ["a disk like no other", judgeIdentity(IDENTITY), "ok", "/dev/vda1 alone"],
  [
    "another disk with the label",
    judgeIdentity({ ...IDENTITY, labelled: ["/dev/vdb"] }),
    "warning",
    "/dev/vdb is labelled K3OS_STATE, as /dev/vda1 is; the boot menu tells them apart",
  ],
  [
    "another disk with the label, and an old menu",
    judgeIdentity({ ...IDENTITY, labelled: ["/dev/vdb"], named: false }),
    "failure",
    "the next boot cannot tell",
  ],
  [
    "a copy of the disk",
    judgeIdentity({ ...IDENTITY, labelled: ["/dev/vdb1"], copies: ["/dev/vdb1"] }),
    "failure",
    "/dev/vdb1 has the same UUID",
  ],
  [
    "the system mounted read-only",
    judgeSystemMount({ target: "/k3os/system", readOnly: true }),
    "ok",
    "read-only",
  ],
  ["the system not mounted", judgeSystemMount({ target: "/", readOnly: true }), "warning", "can be written"],
  ["a valid configuration", judgeConfiguration([]), "ok", "valid"],
  ["an unknown key", judgeConfiguration([unknown]), "warning", "/a.yaml:1:2: x: unknown key"],
  [
    "a broken source",
    judgeConfiguration([{ ...unknown, severity: "error" }, unknown]),
    "failure",
    "/a.yaml:1:2",
  ],
  ["a login by key", judgeLogin({ keys: 2, password: false }), "ok", "2"],
  ["a login by password", judgeLogin({ keys: 0, password: true }), "warning", "console"],
  ["no login", judgeLogin({ keys: 0, password: false }), "failure", "nobody"],
  ["an ssh server as promised", judgeSshServer(SSH_SERVER), "ok", "keys only"],
  [
    "an ssh server on its defaults",
    judgeSshServer({ ...SSH_SERVER, settings: ["passwordauthentication yes\npermitrootlogin no\n"] }),
    "warning",
    "passwordauthentication yes",
  ],
  [
    "an ssh server that is open to root",
    judgeSshServer({ ...SSH_SERVER, settings: [...SSH_SERVER.settings, "permitrootlogin yes\n"] }),
    "warning",
    "permitrootlogin yes",
  ],
  [
    "an ssh server without settings",
    judgeSshServer({ refusal: "line 3", settings: [] }),
    "failure",
    "line 3",
  ],
  ["a host name", judgeHostName("Node-1.example.com"), "ok", "Node-1"],
  ["a name of many machines", judgeHostName("localhost"), "warning", "other nodes"],
  ["a name with a _", judgeHostName("node_1"), "failure", "RFC 1123"],
  ["a name too long", judgeHostName("a".repeat(64)), "failure", "RFC 1123"],
  ["a name that resolves", judgeResolution({ name: "a", problem: undefined }), "ok", "a has"],
  [
    "a server's name that does not",
    judgeResolution({ name: "a", problem: "ENOTFOUND" }),
    "failure",
    "ENOTFOUND",
  ],
  ["no Internet", judgeResolution({ name: "github.com", problem: "ENOTFOUND" }), "warning", "github.com"],
  ["good starts", judgeStarts({ failed: [], errors: [] }), "ok", "none"],
  ["failed starts", judgeStarts({ failed: ["v3.boot.log"], errors: [] }), "warning", "failed"],
  ["errors of a start", judgeStarts({ failed: [], errors: ["Error: x"] }), "warning", "Error: x"],
  ["certificates", judgeCertificates({ ...certificate, now: END - 90 * DAY }), "ok", "2030-01-01"],
  ["late certificates", judgeCertificates({ ...certificate, now: END - 9 * DAY }), "warning", "2030-01-01"],
  ["expired certificates", judgeCertificates({ ...certificate, now: END + DAY }), "failure", "b.crt"],
  ["no failed upgrade", judgeQuarantine([]), "ok", "none"],
  [
    "a failed upgrade",
    judgeQuarantine([{ versions: { k3os: "v3" }, reason: "unwell", at: "2030" }]),
    "warning",
    "unwell",
  ],
  ["the menu", judgeMenu({ menu: MENU, environment: undefined }), "ok", "whole"],
  [
    "a menu cut off",
    judgeMenu({ menu: MENU.slice(0, 700), environment: undefined }),
    "failure",
    "no whole entry",
  ],
  ["a menu without its environment", judgeMenu({ menu: MENU, environment: "gone" }), "failure", "gone"],
];

test.each(VERDICTS)("%s", (_, verdict, state, message) => {
  expect(verdict).toMatchObject({ state, message: expect.stringContaining(message) });
  // whoever is told that something is wrong is told what to do
  expect(verdict.hint === undefined).toBe(state === "ok");
});

describe("runChecks()", () => {
  const good = { name: "good", facts: () => 1, judge: (): Verdict => ({ state: "ok", message: "well" }) };
  const all = (...checks: readonly Check<number>[]) => checks.map(defineCheck);

  test("goes on when a check hangs or fails, and says so", async () => {
    using host = testHost();
    const hung = { ...good, name: "hung", facts: () => new Promise<number>(() => undefined) };
    const broken = { ...good, name: "broken", facts: () => Promise.reject(new Error("no such program")) };
    const denied = {
      ...good,
      name: "denied",
      facts: () => Promise.reject(Object.assign(new Error(), { code: "EACCES" })),
    };
    const findings = await runChecks(all(hung, broken, denied, good), undefined, host, 20);
    expect(findings.map(({ check, state, message }) => `${check} ${state} ${message}`)).toEqual([
      "hung warning cannot be looked at: no answer within 0.02 s",
      "broken warning cannot be looked at: no such program",
      "denied skipped needs root",
      "good ok well",
    ]);
  });

  test.each([
    [undefined, ["skipped", "skipped", "ok"]],
    ["live", ["ok", "skipped", "ok"]],
    ["local", ["ok", "ok", "ok"]],
  ])("in the mode %s leaves out what says nothing there", async (mode, states) => {
    using host = testHost();
    const checks = all({ ...good, only: "k3OS" }, { ...good, only: "installed" }, good);
    expect((await runChecks(checks, mode, host)).map(({ state }) => state)).toEqual(states as never);
  });
});

describe("facts", () => {
  test("of the versions: what is empty, cut off or no image is damaged", async () => {
    using host = k3osNode();
    const version = join(host.root, "k3os/system/k3os/v2");
    const image = Buffer.alloc(100);
    image.write("hsqs");
    image.writeBigUInt64LE(100n, 40);
    const damaged = async () => ((await currentVersions.facts(host)) as { damaged: string[] }).damaged[0];
    writeFileSync(join(version, "k3os.squashfs"), image);
    expect(await damaged()).toStartWith("kernel/"); // whose files are none at all
    writeFileSync(join(version, "k3os.squashfs"), image.subarray(0, 99));
    expect(await damaged()).toBe("k3os/v2/k3os.squashfs");
    writeFileSync(join(version, "k3os"), "");
    expect(await damaged()).toBe("k3os/v2/k3os");
  });

  test("of the disk's label: who else has it, or the UUID, and whether the boot menu names the disk", async () => {
    const answer = (argv: readonly string[]) => {
      if (argv.includes("LABEL=K3OS_STATE")) return { stdout: "/dev/loop1\n/dev/vda1\n/dev/vdb\n" };
      if (argv.includes("UUID=1b2c")) return { stdout: "/dev/vda1\n/dev/vdc1\n" };
      return { stdout: "TYPE=ext4\nLABEL=K3OS_STATE\nUUID=1b2c\n" };
    };
    using host = k3osNode({ answer, files: { "/dev/vda1": "", "/proc/cmdline": "k3os.state=1b2c\n" } });
    expect(await diskIdentity.facts(host)).toEqual({
      ...{ device: "/dev/vda1", labelled: ["/dev/vdb"], copies: ["/dev/vdc1"], named: true },
    });
  });

  test("of certificates: every one of k3s", async () => {
    using host = k3osNode({
      files: {
        "/var/lib/rancher/k3s/server/tls/a.crt": CERTIFICATE,
        "/var/lib/rancher/k3s/agent/b.crt": CERTIFICATE,
      },
    });
    const end = Date.parse("2120-01-01");
    expect(await k3sCertificates.facts(host)).toMatchObject({ all: [{ end }, { end }] });
  });

  test("of the ssh server: what it would do with those who come from outside", async () => {
    const answer = (argv: readonly string[]) =>
      argv[3]?.startsWith("user=root,") === true
        ? { code: 255, stderr: "line 1\nline 2: no such keyword\n" }
        : { stdout: "permitrootlogin no\n" };
    using host = k3osNode({ answer, files: { "/etc/ssh/ssh_host_rsa_key": "key" } });
    const refusal = "line 2: no such keyword";
    expect(await sshServer.facts(host)).toEqual({ refusal, settings: ["permitrootlogin no\n", ""] });
    using other = k3osNode({
      answer: (argv) => ({ stdout: argv[1] === "is-active" ? "active\n" : "permitrootlogin yes\n" }),
      files: { "/etc/ssh/ssh_host_rsa_key": "key" },
    });
    expect(await sshServer.facts(other)).toMatchObject({
      refusal: "ssh-image.service runs instead of ssh.service",
    });
    const calls = host.programs.map(({ argv }) => argv.join(" "));
    expect(calls[0]).toBe("/usr/sbin/sshd -T -C user=rancher,host=outside.example,addr=203.0.113.1");
  });

  test("of a port: who answers, and why nobody does", async () => {
    const server = await serveLoopback((_, response) => void response.end());
    const { port } = server;
    expect(await answers({ host: "127.0.0.1", port }, "tcp")).toBeUndefined();
    expect(await answers({ host: "127.0.0.1", port }, "tls")).toBeString();
    await server[Symbol.asyncDispose]();
    expect(await answers({ host: "127.0.0.1", port }, "tcp")).toBeString();
  });

  test.each([
    ["rancher:$6$a$b:1::::::", true],
    ["rancher:!:1::::::", false],
    ["rancher:*:1::::::", false],
    ["rancher::1::::::", false],
    ["rancher2:$6$a$b:1::::::", false],
  ])("of a password: %s", (shadow, expected) => {
    expect(hasPassword(`root:*:1::::::\n${shadow}\n`, "rancher")).toBe(expected);
  });

  test("of a boot journal: what it calls errors", () => {
    const journal =
      "2030-01-01T00:00:00.000Z [    1.20] Mode disk\n2030-01-01T00:00:01.000Z [    2.20] Error: kernel modules: x\n";
    expect(errorsOf(journal)).toEqual(["Error: kernel modules: x"]);
  });
});
