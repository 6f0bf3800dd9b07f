import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { RunResult } from "../../lib/tools/host/host.ts";
import { openSandbox, type Sandbox } from "../support/sandbox.ts";
import { PROJECT } from "../support/sources.ts";

/** Key servers that misbehave, real time and real sockets; the unit tests have what a good one does. */
const GOOD = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl good";
const OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJm other";
const FILE = "/home/rancher/.ssh/authorized_keys";
const CONFIG = "/var/lib/rancher/k3os/config.yaml";
const ORIGIN = "http://127.0.0.1:8080";
/** The 30 s of a source, and what starting the program takes on a busy machine. */
const LONGEST = 36_000;

let sandbox: Sandbox;

async function shell(line: string): Promise<string> {
  return (await sandbox.run(["sh", "-c", line])).stdout.trim();
}

interface Timed extends RunResult {
  readonly milliseconds: number;
}

async function sshKeys(...argv: readonly string[]): Promise<Timed> {
  const started = performance.now();
  const program = [process.execPath, join(PROJECT, "bin/k3os.ts"), "ssh-keys", ...argv];
  const result = await sandbox.run(program, { check: false, timeout: 2 * LONGEST });
  // the shell that starts it finds itself in no directory, and says so
  const stderr = result.stderr.replace(/^sh: .*getcwd.*\n/, "");
  return { ...result, stderr, milliseconds: performance.now() - started };
}

/** What is configured: the keys of some paths of the server, and one key as it is. */
async function configure(...paths: readonly string[]): Promise<void> {
  const entries = [...paths.map((path) => ORIGIN + path), OTHER];
  const text = `ssh_authorized_keys: ${JSON.stringify(entries)}\n`;
  await sandbox.run(["sh", "-c", `cat > ${CONFIG}`], { input: text });
}

/** The file as the sources left it when they were well. */
async function applyGood(...paths: readonly string[]): Promise<string> {
  await configure(...paths);
  await shell("touch /run/server-is-well");
  expect(await sshKeys("apply")).toMatchObject({ code: 0, stderr: "" });
  await shell("rm /run/server-is-well");
  return fileState();
}

/** Content, owner, mode, inode and time, and what else is in the directory. */
function fileState(): Promise<string> {
  return shell(`cat ${FILE}; stat -c '%U %a %i %y' ${FILE}; ls -A /home/rancher/.ssh`);
}

beforeAll(async () => {
  sandbox = await openSandbox();
  await shell("mkdir -p /var/lib/rancher/k3os && useradd --create-home --shell /bin/bash rancher");
  const server = join(PROJECT, "test/support/bad-key-server.ts");
  await sandbox.run(
    ["sh", "-c", 'GOOD="$3" setsid "$1" "$2" >/run/server.log 2>&1 </dev/null &', "sh"].concat(
      process.execPath,
      server,
      GOOD,
    ),
  );
  await shell("until [ -s /run/server.log ]; do sleep 0.05; done");
});

afterAll(() => sandbox[Symbol.asyncDispose]());

beforeEach(() => shell(`rm -rf ${FILE} /run/server-is-well; : > ${CONFIG}`));

/** What is asked for, and how the message must name what came of it. */
const AT_ONCE = [
  ["/html", "holds no ssh public key"],
  ["/rubbish", "holds no ssh public key"],
  ["/404", "the server answered with status 404"],
  ["/large", "the answer is larger than 1048576 bytes"],
  ["/large-announced", "the answer is larger than 1048576 bytes"],
  ["/bomb", "the answer is larger than 1048576 bytes"],
  ["/not-gzip", "the answer is not valid gzip data"],
  ["/unknown-encoding", 'the server used the unknown encoding "rot13"'],
  ["/loop", "more than 10 redirects"],
  ["/to-file", 'refused to follow the redirect to "file:///etc/passwd"'],
] as const;

/** What may get better, so that all of the time is spent on it; or what only time ends. */
const IN_THE_END = [
  ["/500", /the server answered with status 500 \(\d+ tries in [\d.]+ s\)/],
  ["/drip", /not finished within 30 s/],
  ["/never", /the server did not answer within|not finished within 30 s/],
  ["/cut", /connection (?:closed|reset) by the server|aborted/],
] as const;

describe("a source that fails costs bounded time and no key that was there:", () => {
  test.each(AT_ONCE)("%s", async (path, message) => {
    const before = await applyGood(path);
    expect(before).toContain(GOOD);
    const { code, stderr, milliseconds } = await sshKeys("apply");
    expect(code).toBe(1);
    expect(stderr).toStartWith("Error: Cannot apply ssh_authorized_keys[0]: ");
    expect(stderr).toContain(message);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(await fileState()).toBe(before);
    expect(milliseconds).toBeLessThan(10_000);
  });

  test(IN_THE_END.map(([path]) => path).join(" "), async () => {
    const before = await applyGood(...IN_THE_END.map(([path]) => path));
    const { code, stderr, milliseconds } = await sshKeys("apply");
    expect(code).toBe(1);
    const lines = stderr.trim().split("\n");
    expect(lines).toHaveLength(IN_THE_END.length);
    for (const [index, [, message]] of IN_THE_END.entries()) {
      expect(lines[index]).toStartWith(`Error: Cannot apply ssh_authorized_keys[${index}]: `);
      expect(lines[index]).toMatch(message);
    }
    expect(await fileState()).toBe(before);
    expect(milliseconds).toBeLessThan(LONGEST);
  });
});

describe("k3os ssh-keys apply", () => {
  test("tries again after a 500, and takes what comes then", async () => {
    await configure("/500-then-200");
    const { code, milliseconds } = await sshKeys("apply");
    expect(code).toBe(0);
    expect(await shell(`cat ${FILE}`)).toContain(GOOD);
    expect(milliseconds).toBeLessThan(10_000);
  });

  test("takes the keys among other lines, with line ends of either kind", async () => {
    await configure("/mixed");
    const { code, stderr } = await sshKeys("apply");
    expect(code).toBe(0);
    expect(stderr).toContain("3 lines of");
    expect((await shell(`cat ${FILE}`)).split("\n").filter((line) => !line.startsWith("#"))).toEqual([
      GOOD,
      `${GOOD}2`,
      OTHER,
    ]);
    expect(await shell(`grep -c "$(printf '\\r')" ${FILE} || true`)).toBe("0");
  });

  test("waits for a server that comes up late", async () => {
    await sandbox.run(["sh", "-c", `echo 'ssh_authorized_keys: "http://127.0.0.1:8081/"' > ${CONFIG}`]);
    const applying = sshKeys("apply");
    await shell("touch /run/start-late-server");
    const { code } = await applying;
    expect(code).toBe(0);
    expect(await shell(`cat ${FILE}`)).toContain(GOOD);
  });

  test("writes nothing when it is called again, nor in a dry run", async () => {
    const before = await applyGood("/404");
    await shell("touch /run/server-is-well");
    expect((await sshKeys("apply")).code).toBe(0);
    expect(await fileState()).toBe(before);
    await configure("/mixed");
    const { code, stderr } = await sshKeys("apply", "--dry-run");
    expect(code).toBe(0);
    expect(stderr).toContain(`Would write "${FILE}"`);
    expect(await fileState()).toBe(before);
  });
});

test("k3os ssh-keys fetch prints what it got although other sources failed", async () => {
  const sources = ["/html", "/mixed", "/loop"].map((path) => ORIGIN + path);
  const { code, stdout, stderr } = await sshKeys("fetch", ...sources, OTHER);
  expect(code).toBe(1);
  expect(stdout.split("\n")).toEqual([GOOD, `${GOOD}2`, OTHER, ""]);
  expect(stderr.split("\n").filter((line) => line.startsWith("Error: "))).toHaveLength(2);
});

test("systemd reads the timer and its drop-in without a complaint", async () => {
  const units = join(PROJECT, "overlay/usr/lib/systemd/system");
  await shell(`cp ${units}/k3os-ssh-keys.* /usr/lib/systemd/system/`);
  await shell(
    "mkdir -p /k3os/system/k3os/current && install -m 755 /bin/true /k3os/system/k3os/current/k3os",
  );
  await sandbox.run([
    "sh",
    "-c",
    `printf '%s\\n' 'ssh_authorized_keys: "github:me"' 'k3os: {ssh_keys_refresh: 1d 12h}' > ${CONFIG}`,
  ]);
  const k3os = [process.execPath, join(PROJECT, "bin/k3os.ts"), "config", "--boot"];
  await sandbox.run(k3os, { check: false }); // this machine lacks other things that a boot has
  const { code, stderr } = await sandbox.run(
    ["systemd-analyze", "verify", "--man=no", "k3os-ssh-keys.timer", "k3os-ssh-keys.service"],
    { check: false },
  );
  expect(stderr.split("\n").filter((line) => line.includes("k3os-ssh-keys"))).toEqual([]);
  expect(code).toBe(0);
  const timer = await shell("systemd-analyze cat-config systemd/system/k3os-ssh-keys.timer");
  expect(timer).toContain("OnActiveSec=129600");
});
