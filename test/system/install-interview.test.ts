import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type FileServer, serveFiles } from "../../lib/make/vm/http-server.ts";
import { KEY, startTerminal, type Terminal } from "../../lib/make/vm/tmux-terminal.ts";
import { makeDisk, output, type TestDisk, whileMounted } from "../support/disk.ts";
import { EXECUTABLE, type LiveMachine, makeLiveMachine } from "../support/interview.ts";
import { openSandbox } from "../support/sandbox.ts";
import { makeKey } from "../support/ssh-key.ts";

/** The executable as it is shipped, on a terminal of 80 columns and 24 rows, as a person sees it. */

const [PASSWORD, PASSPHRASE, TOKEN] = ["open-sesame", "hush-hush-hush", "cluster-secret"];

/** A question, and what is typed. */
type Turn = readonly [question: string | RegExp, keys: string];

/** The whole interview of an agent; every turn is a question that it could be left at. */
const AGENT: readonly Turn[] = [
  ["Choose operation", KEY.enter],
  ["? Installation target", KEY.enter],
  ["cloud-init file? (y/N)", KEY.enter],
  ["SSH? (y/N)", KEY.enter],
  ["? Password for rancher", `${PASSWORD}\r`],
  ["? The same again", `${PASSWORD}\r`],
  ["WiFi? (y/N)", "y\r"],
  ["? Name of the WiFi network", "home\r"],
  ["? Its passphrase", `${PASSPHRASE}\r`],
  ["another WiFi network? (y/N)", KEY.enter],
  ["? Run as server or agent?", "2\r"],
  ["? URL of server", "https://server.example.com:6443\r"],
  ["? Token or cluster secret", `${TOKEN}\r`],
  [/\? Erase everything on .* \(y\/N\)/, "y\r"],
];

async function answer(terminal: Terminal, turns: readonly Turn[]): Promise<void> {
  for (const [question, keys] of turns) {
    const screen = await terminal.waitFor(question);
    // a line that the terminal had to wrap is longer than the screen is wide
    expect(screen.split("\n").filter((line) => line.length > 80)).toEqual([]);
    await terminal.type(keys);
  }
}

let disks: readonly [TestDisk, TestDisk];
let machine: LiveMachine;
let server: FileServer;

beforeAll(async () => {
  disks = [makeDisk(), makeDisk()];
  machine = makeLiveMachine(disks);
  const keys = `${makeKey("ssh-ed25519", "a")}\n${makeKey("ssh-ed25519", "b")}\n`;
  server = await serveFiles({ "/keys": keys, "/bad": "hostname: [a]\n", "/good": "hostname: n2\n" });
});
afterAll(async () => {
  machine[Symbol.dispose]();
  for (const disk of disks) disk[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
});

function config(disk: TestDisk): Promise<string> {
  return whileMounted(`${disk.path}p1`, (root) => {
    const path = join(root, "k3os/system/config.yaml");
    expect(lstatSync(path).mode & 0o777).toBe(0o600);
    return readFileSync(path, "utf8");
  });
}

describe("k3os install with nothing said", () => {
  test.each(["vt100", "linux", "dumb"])(
    "asks for everything and installs it, on a terminal of the type %s",
    async (TERM) => {
      const before = machine.restarts();
      await using terminal = await machine.install({ env: { TERM } });
      await answer(terminal, AGENT);
      expect(await terminal.ended()).toEqual({ status: 0, restored: true, cursorShown: true });
      expect(machine.restarts()).toBe(before + 1);
      const text = await config(disks[0]);
      const hash = /password: "?(\$6\$([^$]+)\$[^"\n]+)/.exec(text);
      expect(output(["openssl", "passwd", "-6", "-stdin", "-salt", hash?.[2] ?? ""], PASSWORD)).toBe(
        hash?.[1] ?? "",
      );
      expect(text.replace(/password: .*/, "password: HASH")).toBe(
        [
          "k3os:",
          "  password: HASH",
          "  server_url: https://server.example.com:6443",
          `  token: ${TOKEN}`,
          "  wifi:",
          "  - name: home",
          `    passphrase: ${PASSPHRASE}`,
          "",
        ].join("\n"),
      );
      const written = terminal.written();
      for (const secret of [PASSWORD, PASSPHRASE, TOKEN, "$6$"]) expect(written).not.toContain(secret);
      expect(written).toContain('token: "(secret)"');
      expect(written.includes("\u001b[36m")).toBe(TERM === "linux"); // a colour
    },
  );

  test("shows every disk with what is on it, and lets the one that it runs from not be chosen", async () => {
    await using terminal = await machine.install();
    await terminal.waitFor("Choose operation");
    await terminal.type(KEY.enter);
    await terminal.waitFor(`1. ${disks[0].path} (4.0 GiB)`);
    await terminal.waitFor(`${disks[0].path}p1: ext4 file system "K3OS_STATE" (k3OS)`);
    await terminal.type(KEY.down + KEY.down);
    await terminal.waitFor(`"${machine.medium.path}" is the medium that this system runs from`);
    await terminal.type(KEY.enter);
    await terminal.waitFor("cannot be selected");
    await terminal.type("2");
    await terminal.waitFor(`> 2. ${disks[1].path}`);
    await terminal.type(KEY.interrupt);
    expect((await terminal.ended()).status).toBe(130);
  });

  test("takes the only disk without asking, but shows it; asks nothing that is configured", async () => {
    using alone = makeLiveMachine([disks[1]]);
    await using terminal = await alone.install({
      cmdline: "k3os.mode=live hostname=n1 k3os.password=x k3os.server_url=https://s:6443 k3os.token=T",
    });
    await terminal.waitFor("Choose operation");
    await terminal.type(KEY.enter);
    const screen = await terminal.waitFor("cloud-init file?");
    expect(screen).toContain(`Installation target: ${disks[1].path} (4.0 GiB)\n  empty`);
    await terminal.type(KEY.enter);
    expect(await terminal.waitFor("WiFi? (y/N)")).not.toMatch(/SSH\?|Password/);
    await terminal.type(KEY.enter);
    expect(await terminal.waitFor("hostname: n1")).not.toMatch(/agent\?|Token/);
    await terminal.type(KEY.interrupt);
    expect((await terminal.ended()).status).toBe(130);
  });
});

describe("what is fetched is looked at before the answer counts:", () => {
  test("a file that is not there or has errors is asked for again, and nothing that it may hold", async () => {
    const before = disks[1].hash();
    const url = `http://127.0.0.1:${server.port}`;
    await using terminal = await machine.install();
    await answer(terminal, [
      ["Choose operation", KEY.enter],
      ["? Installation target", "2\r"],
      ["cloud-init file?", "y\r"],
      ["? Path or URL", `${url}/none\r`],
      ["404", `${KEY.erase}${url}/bad\r`],
      ["/bad:1:11: hostname", `${KEY.erase}${url}/good\r`],
      [/hostname: n2[\s\S]*\? Erase everything/, "n\r"],
    ]);
    const { status } = await terminal.ended();
    expect(status).toBe(130);
    expect(await terminal.screen()).toContain("Nothing was changed");
    expect(disks[1].hash()).toBe(before);
  });

  test("keys are counted, and a source that fails is kept by a second Enter", async () => {
    const url = `http://127.0.0.1:${server.port}`;
    await using terminal = await machine.install();
    await answer(terminal, [
      ["Choose operation", KEY.enter],
      ["? Installation target", "2\r"],
      ["cloud-init file?", KEY.enter],
      ["SSH?", "y\r"],
      ["? GitHub users", `${url}/keys,${url}/none\r`],
      [/2 keys of [\s\S]*404[\s\S]*Enter again/, KEY.enter],
      ["WiFi?", KEY.enter],
      ["? Run as server or agent?", KEY.enter],
      ["? Token or cluster secret (optional)", KEY.enter],
      [new RegExp(`- http://127.0.0.1:${server.port}/none[\\s\\S]*\\? Erase everything`), "y\r"],
    ]);
    expect((await terminal.ended()).status).toBe(0);
    expect(await config(disks[1])).toBe(`ssh_authorized_keys:\n- ${url}/keys\n- ${url}/none\n`);
  });
});

describe("answers that are typed before their questions are shown", () => {
  test("install as a script of the original's typed them, on 24 rows", async () => {
    using alone = makeLiveMachine([disks[1]]);
    await using terminal = await alone.install();
    await terminal.type(`1\ry\rhttp://127.0.0.1:${server.port}/good\ry\r`);
    expect(await terminal.ended()).toEqual({ status: 0, restored: true, cursorShown: true });
    expect(await config(disks[1])).toBe("hostname: n2\n");
    expect(alone.restarts()).toBe(1);
  });

  test("may have a line feed behind each carriage return, as serial lines have", async () => {
    using alone = makeLiveMachine([disks[1]]);
    await using terminal = await alone.install();
    await terminal.waitFor("Choose operation"); // before, the terminal itself makes two lines of it
    await terminal.type("1\r\n\r\n\r\nopen-sesame\r\nopen-sesame\r\n\r\n1\r\n\r\ny\r\n");
    expect((await terminal.ended()).status).toBe(0);
    expect(await config(disks[1])).toMatch(/^k3os:\n {2}password: "?\$6\$/);
    expect(terminal.written()).not.toContain("open-sesame");
  });

  test("are forgotten where one of them is wrong, and never consent to anything", async () => {
    const before = disks[1].hash();
    using alone = makeLiveMachine([disks[1]]);
    await using terminal = await alone.install();
    await terminal.type(`1\ry\rhttp://127.0.0.1:${server.port}/none\ry\ry\ry\r`);
    await terminal.waitFor("404");
    await terminal.type(KEY.interrupt);
    expect((await terminal.ended()).status).toBe(130);
    expect(disks[1].hash()).toBe(before);
  });
});

describe("an interview that is left", () => {
  test.each(AGENT.map(([question], at) => [String(question), at] as const))(
    "at %p by Ctrl-C changes nothing",
    async (_, at) => {
      const before = disks.map((disk) => disk.hash());
      await using terminal = await machine.install({ env: { TERM: "linux" } });
      await answer(terminal, [...AGENT.slice(0, at), [AGENT[at]?.[0] ?? "", KEY.interrupt]]);
      expect(await terminal.ended()).toEqual({ status: 130, restored: true, cursorShown: true });
      expect(disks.map((disk) => disk.hash())).toEqual(before);
    },
  );

  test("by the end of input is no success either", async () => {
    await using terminal = await machine.install();
    await answer(terminal, [["Choose operation", KEY.end]]);
    expect(await terminal.ended()).toEqual({ status: 130, restored: true, cursorShown: true });
  });
});

describe("a command line that says what to do", () => {
  test("asks nothing where there is nothing to lose", async () => {
    using empty = makeDisk();
    using other = makeLiveMachine([empty]);
    await using terminal = await other.install({ args: [empty.path] });
    expect((await terminal.ended()).status).toBe(0);
    expect(terminal.written()).not.toContain("?");
  });

  test("with a configuration, asks for the disk and for consent only", async () => {
    const args = ["--config", `http://127.0.0.1:${server.port}/good`];
    await using terminal = await machine.install({ args });
    await answer(terminal, [
      ["? Installation target", "2\r"],
      [/hostname: n2[\s\S]*\? Erase everything/, "y\r"],
    ]);
    expect((await terminal.ended()).status).toBe(0);
    expect(await config(disks[1])).toBe("hostname: n2\n");
  });

  test("asks before it erases what is not ours", async () => {
    using foreign = makeDisk();
    output(["mkfs.ext4", "-q", "-L", "precious", foreign.path]);
    const before = foreign.hash();
    using other = makeLiveMachine([foreign]);
    await using terminal = await other.install({ args: [foreign.path] });
    await answer(terminal, [[/file system "precious"[\s\S]*\? Erase everything/, KEY.enter]]);
    expect((await terminal.ended()).status).toBe(130);
    expect(foreign.hash()).toBe(before);
  });
});

test("the running system becomes an agent: its configuration is kept, and k3s started with it", async () => {
  await using sandbox = await openSandbox();
  const prepare = `
mkdir -p /run/k3os /k3os/system /var/lib/rancher/k3os /usr/local/bin
mount -t tmpfs -o ro tmpfs /k3os/system
echo live > /run/k3os/mode
echo 'hostname: n3' > /var/lib/rancher/k3os/config.yaml
rm -f /sbin/k3s
for name in k3s systemctl; do
  printf '#!/bin/sh\\necho "$0 $*" >> /run/called\\n' > /usr/local/bin/$name
  chmod 755 /usr/local/bin/$name
done
`;
  await sandbox.run(["sh", "-ec", prepare]);
  await using terminal = await startTerminal(sandbox.argv([EXECUTABLE, "install"]));
  await answer(terminal, [
    ["Choose operation", "2\r"],
    ["? Run as server or agent?", "2\r"],
    ["? URL of server", "https://server.example.com:6443\r"],
    ["? Token or cluster secret", `${TOKEN}\r`],
  ]);
  expect((await terminal.ended()).status).toBe(0);
  const read = async (path: string) => (await sandbox.run(["cat", path])).stdout;
  expect(await read("/var/lib/rancher/k3os/config.yaml")).toBe(
    `hostname: n3\nk3os:\n  server_url: https://server.example.com:6443\n  token: ${TOKEN}\n`,
  );
  const { stdout } = await sandbox.run(["stat", "--format=%a", "/var/lib/rancher/k3os/config.yaml"]);
  expect(stdout).toBe("600\n");
  expect(await read("/etc/rancher/k3s/k3s-service.env")).toContain(`K3S_TOKEN="${TOKEN}"`);
  expect(await read("/run/called")).toContain("k3s-service.service");
});
