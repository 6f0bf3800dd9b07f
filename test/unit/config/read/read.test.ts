import { expect, test } from "bun:test";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { formatDiagnostic } from "../../../../lib/config/read/diagnostics.ts";
import { readConfig } from "../../../../lib/config/read/read.ts";
import { runProgram } from "../../../../lib/tools/host/host.ts";
import { testHost } from "../../../support/host.ts";
import { makeKey } from "../../../support/ssh-key.ts";

const SYSTEM = "/k3os/system/config.yaml";
const CMDLINE = "/proc/cmdline";
const LOCAL = "/var/lib/rancher/k3os/config.yaml";
const LOCAL_D = "/var/lib/rancher/k3os/config.d";
const HOSTNAME = "/run/config/local_hostname";
const KEYS = "/run/config/ssh/authorized_keys";
const KEY = makeKey("ssh-ed25519", "key");
const USERDATA = "/run/config/userdata";

async function read(files: Readonly<Record<string, string>>) {
  using host = testHost({ files });
  const { config, diagnostics } = await readConfig(host);
  return { config, messages: diagnostics.map((each) => `${each.severity} ${formatDiagnostic(each)}`) };
}

test("readConfig() of a system without any source", async () => {
  expect(await read({})).toEqual({ config: {}, messages: [] });
});

/** Each source that can set a host name, lowest precedence first. */
const BY_PRECEDENCE: readonly (readonly [string, (name: string) => string])[] = [
  [SYSTEM, (name) => `hostname: ${name}\n`],
  [CMDLINE, (name) => `quiet hostname=${name}\n`],
  [LOCAL, (name) => `hostname: ${name}\n`],
  [HOSTNAME, (name) => `${name}\n`],
  [USERDATA, (name) => `#cloud-config\nhostname: ${name}\n`],
  [`${LOCAL_D}/.hidden`, (name) => `hostname: ${name}\n`],
  [`${LOCAL_D}/10-a.yaml`, (name) => `hostname: ${name}\n`],
  [`${LOCAL_D}/9`, (name) => `hostname: ${name}\n`],
  [`${LOCAL_D}/B`, (name) => `{"hostname": "${name}"}`],
  [`${LOCAL_D}/a`, (name) => `hostname: ${name}\n`],
  [`${LOCAL_D}/é`, (name) => `hostname: ${name}\n`],
];

test.each(BY_PRECEDENCE.map(([path], at) => [path, at] as const))(
  "readConfig() prefers %s to all before it",
  async (_, at) => {
    const files = BY_PRECEDENCE.slice(0, at + 1).map(([path, content], each) => [path, content(`n${each}`)]);
    expect(await read(Object.fromEntries(files))).toEqual({ config: { hostname: `n${at}` }, messages: [] });
  },
);

test("readConfig() merges sections and replaces texts, lists and maps", async () => {
  const { config } = await read({
    [SYSTEM]:
      "hostname: a\nrun_cmd: [a]\nk3os: {token: a, labels: {a: a}, install: {device: a, silent: true}}\n",
    [LOCAL]: "run_cmd: [b]\nk3os: {labels: {b: b}, install: {device: b}}\n",
  });
  expect(config).toEqual({
    hostname: "a",
    runCmd: ["b"],
    k3os: { token: "a", labels: { b: "b" }, install: { device: "b", silent: true } },
  });
});

test("readConfig() of a null in a later source keeps what is below, and an empty value clears it", async () => {
  const below = { [SYSTEM]: "run_cmd: [a]\nk3os: {token: a, labels: {a: b}}\n" };
  const kept = await read({ ...below, [LOCAL]: "run_cmd:\nk3os:\n" });
  expect(kept.config).toEqual({ runCmd: ["a"], k3os: { token: "a", labels: { a: "b" } } });
  const cleared = await read({ ...below, [LOCAL]: 'run_cmd: []\nk3os: {token: "", labels: {}}\n' });
  expect(cleared).toEqual({ config: { runCmd: [], k3os: { token: "", labels: {} } }, messages: [] });
});

test.each([
  ["a typo in one", "k3os: {tokne: x}\n", /^warning .*config.yaml:1:8: k3os.tokne: unknown key/],
  ["a wrong type in one", "run_cmd: {a: b}\n", /^error .*config.yaml:1:10: run_cmd: found a map/],
  ["one that is no YAML", "a: [\n", /^error .*config.yaml:2:1: /],
])("readConfig() applies the other sources beside %s", async (_, text, message) => {
  const { config, messages } = await read({ [SYSTEM]: "hostname: n\n", [LOCAL]: text, [KEYS]: KEY });
  expect(config).toEqual({ hostname: "n", sshAuthorizedKeys: [KEY] });
  expect(messages).toHaveLength(1);
  expect(messages[0]).toMatch(message);
});

test("readConfig() does not read a file of config.d that is being written", async () => {
  const unfinished = `${LOCAL_D}/.b.0123456789ab`;
  const found = await read({ [`${LOCAL_D}/a`]: "hostname: whole\n", [unfinished]: "run_cmd: [al" });
  expect(found).toEqual({ config: { hostname: "whole" }, messages: [] });
});

test("readConfig() tells of what cannot be read in place of a file, and goes on", async () => {
  using host = testHost({ files: { [SYSTEM]: "hostname: n\n", [`${LOCAL_D}/b`]: "run_cmd: b\n" } });
  mkdirSync(join(host.root, LOCAL));
  mkdirSync(join(host.root, LOCAL_D, "a"));
  symlinkSync("nowhere", join(host.root, LOCAL_D, "c"));
  symlinkSync("d", join(host.root, LOCAL_D, "d"));
  await runProgram(["mkfifo", join(host.root, LOCAL_D, "e")]);
  const { config, diagnostics } = await readConfig(host);
  expect(config).toEqual({ hostname: "n", runCmd: ["b"] });
  expect(diagnostics.map(formatDiagnostic)).toEqual([
    `${LOCAL}: found a directory, expected a file`,
    `${LOCAL_D}/a: found a directory, expected a file`,
    `${LOCAL_D}/c: found a link to nothing, expected a file`,
    `${LOCAL_D}/d: cannot be read (ELOOP)`,
    `${LOCAL_D}/e: found a pipe, expected a file`,
  ]);
});

test("readConfig() takes the host name of the instance from hostname where there is no local_hostname", async () => {
  expect((await read({ "/run/config/hostname": "b\n" })).config).toEqual({ hostname: "b" });
  expect((await read({ "/run/config/hostname": "b\n", [HOSTNAME]: "\n" })).config).toEqual({ hostname: "b" });
  expect((await read({ "/run/config/hostname": "b\n", [HOSTNAME]: "a" })).config).toEqual({ hostname: "a" });
});

test("readConfig() cuts the domain off a host name that is too long", async () => {
  const long = `node.${"a".repeat(60)}.example.com`;
  expect((await read({ [HOSTNAME]: long })).config).toEqual({ hostname: "node" });
  expect((await read({ [HOSTNAME]: `${"a".repeat(64)}.example.com` })).config).toEqual({});
});

test.each(["a b", "a_b", "-a", "a.", "a..b"])(
  "readConfig() does not take the name %p of the instance, and warns",
  async (name) => {
    const { config, messages } = await read({ [SYSTEM]: "hostname: n\n", [HOSTNAME]: `${name}\n` });
    expect(config).toEqual({ hostname: "n" });
    expect(messages).toHaveLength(1);
    expect(messages[0]).toStartWith(
      `warning ${HOSTNAME}:1:1: hostname: found ${JSON.stringify(name)}, expected a host`,
    );
    expect(messages[0]).toEndWith("it is not taken");
  },
);

test("readConfig() adds the keys of the instance to the configured ones", async () => {
  const [own = "", one = "", two = ""] = ["own", "one", "two"].map((name) => makeKey("ssh-rsa", name));
  const keys = `  ${one}  \n\n# comment\n${two}\r\n${own}\n`;
  const files = { [SYSTEM]: `ssh_authorized_keys: ["${own}"]\n`, [KEYS]: keys };
  expect((await read(files)).config).toEqual({ sshAuthorizedKeys: [own, one, two] });
  const replaced = await read({ ...files, [USERDATA]: 'ssh_authorized_keys: ["github:user"]\n' });
  expect(replaced.config).toEqual({ sshAuthorizedKeys: ["github:user"] });
});

test("readConfig() leaves lines of the instance out that are no keys, and warns of each", async () => {
  const { config, messages } = await read({ [KEYS]: `rancher\n${makeKey("ssh-ed25519", "a")}\n` });
  expect(config.sshAuthorizedKeys).toHaveLength(1);
  expect(messages).toEqual([expect.stringMatching(/^warning .*found no ssh public key.*: it is not taken$/)]);
});

test("readConfig() adds a script in user data to the lists of all other sources", async () => {
  const { config, messages } = await read({
    [SYSTEM]: "run_cmd: [a]\nwrite_files: [{path: /a}]\n",
    [USERDATA]: "#!/bin/sh\nexit\n",
    [`${LOCAL_D}/x`]: "run_cmd: [b]\n",
  });
  expect(messages).toEqual([]);
  expect(config.runCmd).toEqual(["b", "/bin/sh /run/k3os/userdata"]);
  expect(config.writeFiles?.map(({ path }) => path)).toEqual(["/a", "/run/k3os/userdata"]);
});

test("readConfig() goes on without user data that is nothing we know", async () => {
  const { config, messages } = await read({ [SYSTEM]: "hostname: n\n", [USERDATA]: "hello\n" });
  expect(config).toEqual({ hostname: "n" });
  expect(messages[0]).toStartWith(`warning ${USERDATA}: found other text`);
});

test("readConfig() goes on with a command line that repeats a text and has the word k3os", async () => {
  const { config } = await read({ [CMDLINE]: "k3os k3os.token=a k3os.token=b\n", [LOCAL]: "hostname: n\n" });
  expect(config).toEqual({ hostname: "n", k3os: { token: "b" } });
});
