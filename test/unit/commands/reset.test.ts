import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { unpackTar } from "modern-tar";
import { reset } from "../../../commands/reset.ts";
import { backupFile, writeBackup } from "../../../lib/reset/backup.ts";
import { describeReset } from "../../../lib/reset/describe-reset.ts";
import { cancelReset, checkReset, orderReset } from "../../../lib/reset/order.ts";
import { gatherResetFacts, measureData } from "../../../lib/reset/reset-facts.ts";
import { parseCommandLine } from "../../../lib/tools/cli/cli.ts";
import { readResetOrder } from "../../../lib/tools/node/reset-marker.ts";
import { type TestHost, testHost } from "../../support/host.ts";
import { k3osNode, MOUNTS } from "../../support/k3os-node.ts";

const DISK =
  "40 22 8:1 / /mnt/stick rw - ext4 /dev/sdb1 rw\n41 22 253:1 /k3os/data/opt /mnt/again rw - ext4 /dev/vda1 rw\n";
const KEY = "/var/lib/rancher/k3os/ssh/ssh_host_ed25519_key";

let host: TestHost;
let k3s: string;

beforeEach(() => {
  k3s = "inactive\n";
  host = k3osNode({
    answer: () => ({ stdout: k3s, code: 3 }),
    files: {
      "/proc/self/mountinfo": MOUNTS + DISK,
      [KEY]: "host key",
      "/var/lib/rancher/k3os/config.yaml": "hostname: a\n",
      "/var/lib/rancher/k3s/server/db/state.db": "datastore",
      "/var/lib/rancher/k3s/agent/images/layer": "x".repeat(100_000),
      "/home/rancher/.bashrc": "bashrc",
      "/tmp/scratch": "in memory",
      "/etc/hosts": "made anew",
      "/mnt/stick/other": "of another disk",
    },
  });
  mkdirSync(join(host.root, "opt"));
  symlinkSync("/var/lib/rancher/k3os/ssh", join(host.root, "etc/ssh"));
  symlinkSync("usr/bin", join(host.root, "bin"));
});
afterEach(() => host[Symbol.dispose]());

const system = () => join(host.root, "k3os/system");

describe("gatherResetFacts()", () => {
  test("finds where what is to be kept really lies, once", () => {
    const { keep } = gatherResetFacts(["/etc/ssh", "etc/ssh/", "//home//rancher"], host);
    expect(keep).toEqual(["/var/lib/rancher/k3os/ssh", "/home/rancher"]);
  });

  test.each([
    ["/", "nothing would be deleted"],
    ["/home/../etc", 'without ".."'],
    ["/nothing", "there is nothing"],
    ["/etc/hosts", "rebuilt at each boot"],
    ["/tmp", "rebuilt at each boot"],
    ["/k3os/system/k3os", "a reset does not touch it"],
  ])("refuses to keep %s", (path, why) => {
    expect(() => gatherResetFacts([path], host)).toThrow(why);
  });
});

describe("checkReset()", () => {
  test.each([
    ["live\n", 'it runs in the mode "live"'],
    [undefined, "it does not run k3OS"],
  ])("refuses where the mode is %j", (mode, why) => {
    using other = testHost({ files: mode === undefined ? {} : { "/run/k3os/mode": mode } });
    expect(() => checkReset(gatherResetFacts(["/whatever"], other))).toThrow(why);
  });

  test("refuses to keep anything of an ephemeral system", () => {
    const facts = gatherResetFacts(["/home"], host);
    expect(() => checkReset({ ...facts, ephemeral: true })).toThrow("ephemeral");
    checkReset({ ...facts, ephemeral: true, keep: [] });
  });
});

test("the preview tells what goes and what stays, without what is mounted there, in lines of at most 80 columns", () => {
  const facts = gatherResetFacts(["/etc/ssh"], host);
  const { deleted, kept } = measureData(facts, host);
  expect(kept.map(({ path }) => path)).toEqual(["/var/lib/rancher/k3os/ssh"]);
  const paths = deleted.map(({ path }) => path);
  expect(paths).toContain("/var/lib/rancher/k3s/agent");
  expect(paths).toContain("/var/lib/rancher/k3os/config.yaml");
  expect(paths.filter((path) => /^\/(etc|tmp|run|usr|bin|boot|k3os|mnt)/.test(path))).toEqual([]);
  expect(deleted.find(({ path }) => path.endsWith("agent"))?.bytes).toBeGreaterThanOrEqual(100_000);
  const many = Array.from({ length: 40 }, (_, at) => ({ path: `/${"x".repeat(90)}${at}`, bytes: at }));
  const text = describeReset({ deleted: [...deleted, ...many], kept });
  expect(text.split("\n").filter((line) => line.length > 80)).toEqual([]);
  expect(text).toMatch(/Deleted at the next boot, .*:\n +\d.* KiB {2}\/var\/lib\/rancher\/k3s\/agent\n/);
});

describe("orderReset()", () => {
  test("writes an empty marker, or one that lists what is kept, and the one takes the place of the other", () => {
    orderReset(system(), []);
    expect(readFileSync(join(system(), "factory-reset"), "utf8")).toBe("");
    orderReset(system(), ["/home"]);
    expect(readResetOrder(system())).toEqual({ marker: "factory-reset.json", keep: ["/home"] });
    expect(readdirSync(system())).not.toContain("factory-reset");
    orderReset(system(), []);
    expect(readResetOrder(system())).toEqual({ marker: "factory-reset", keep: [] });
  });

  test("is taken back by cancelReset()", () => {
    expect(cancelReset(system())).toBe(false);
    orderReset(system(), ["/home"]);
    expect(cancelReset(system())).toBe(true);
    expect(readResetOrder(system())).toBeUndefined();
  });
});

describe("backupFile()", () => {
  const at = (path: string, keep: readonly string[] = []) =>
    backupFile(path, gatherResetFacts(keep, host), host).slice(host.root.length);

  test("is what was named, or a file with a name of ours in the directory", () => {
    expect(at("/mnt/stick/b.tar.gz")).toBe("/mnt/stick/b.tar.gz");
    expect(at("/mnt/stick")).toMatch(/^\/mnt\/stick\/k3os-backup-.+-\d{8}T\d{6}Z\.tar\.gz$/);
    expect(at("/home/rancher/b.tar.gz", ["/home/rancher"])).toBe("/home/rancher/b.tar.gz");
  });

  test.each([
    ["/home/rancher", "it is below a deleted path"],
    ["/etc/ssh/b.tar.gz", "it is below a deleted path"],
    ["/mnt/again/b.tar.gz", "it is below a deleted path"],
    ["/tmp/b.tar.gz", "it is in memory"],
    ["/nowhere/b.tar.gz", "there is no directory"],
  ])("refuses %s", (path, why) => {
    mkdirSync(join(host.root, "mnt/again"));
    expect(() => at(path)).toThrow(why);
  });
});

describe("writeBackup()", () => {
  const file = () => join(host.root, "mnt/stick/b.tar.gz");

  test("writes what cannot be had again and is not kept, for root alone", async () => {
    const paths = await writeBackup(file(), gatherResetFacts(["/etc/ssh"], host), host);
    expect(paths).toEqual(["/var/lib/rancher/k3os", "/var/lib/rancher/k3s/server", "/home"]);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    const entries = await unpackTar(gunzipSync(readFileSync(file())));
    const files = entries.filter(({ header }) => header.type === "file");
    expect(files.map(({ header, data }) => [header.name, Buffer.from(data ?? []).toString()]).sort()).toEqual(
      [
        ["home/rancher/.bashrc", "bashrc"],
        ["var/lib/rancher/k3os/config.yaml", "hostname: a\n"],
        ["var/lib/rancher/k3s/server/db/state.db", "datastore"],
      ],
    );
  });

  test("refuses while k3s writes to its datastore, and leaves nothing", async () => {
    k3s = "activating\n";
    await expect(writeBackup(file(), { keep: [] }, host)).rejects.toThrow("k3s runs");
    expect(existsSync(file())).toBe(false);
    await writeBackup(file(), { keep: ["/var/lib/rancher/k3s"] }, host);
    expect(existsSync(file())).toBe(true);
  });
});

describe("k3os reset", () => {
  const run = async (...argv: string[]) => reset.run(parseCommandLine(reset, argv, {}), host);

  test.each([
    [["--cancel", "--yes"], "Cannot combine --cancel with other options"],
    [["--preview", "--reboot"], "Cannot combine --preview with --reboot"],
  ])("refuses %j", async (argv, why) => {
    await expect(run(...argv)).rejects.toThrow(why);
  });

  test("says that another Linux cannot be reset", async () => {
    using other = testHost();
    await expect(reset.run(parseCommandLine(reset, ["--yes"], {}), other)).rejects.toThrow(
      "does not run k3OS",
    );
  });
});
