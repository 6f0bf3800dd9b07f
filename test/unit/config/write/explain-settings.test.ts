import { expect, test } from "bun:test";
import { readConfig } from "../../../../lib/config/read/read.ts";
import { explainConfig } from "../../../../lib/config/write/explain-settings.ts";
import { UsageError } from "../../../../lib/tools/text/errors.ts";
import { testHost } from "../../../support/host.ts";
import { makeKey } from "../../../support/ssh-key.ts";

const INSTANCE = makeKey("ssh-ed25519", "instance");

const FILES = {
  "/k3os/system/config.yaml": `hostname: a
ssh_authorized_keys: ["github:own"]
write_files: [{path: /a, content: inside}]
k3os:
  password: hunter1
  token: hunter2
  wifi: [{name: home, passphrase: hunter3000}]
  environment: {http_proxy: "http://me:hunter4@proxy:3128"}
`,
  "/proc/cmdline": "quiet k3os.token=hunter5 k3os.install.silent",
  "/run/config/local_hostname": "b",
  "/run/config/ssh/authorized_keys": `${INSTANCE}\n`,
  "/var/lib/rancher/k3os/config.d/x.yaml": "k3os:\n  token: hunter6\n",
};

async function explain(key?: string): Promise<string> {
  using host = testHost({ files: FILES });
  return explainConfig((await readConfig(host)).origins, key);
}

test("explainConfig() shows the value, what set it, and what that won over", async () => {
  expect(await explain("hostname")).toBe(`hostname: "b"
  set by /run/config/local_hostname:1:1
  over /k3os/system/config.yaml:1:1: "a"
`);
});

test("explainConfig() of a list that a source adds to shows each part's source", async () => {
  expect(await explain("ssh_authorized_key")).toBe(`ssh_authorized_keys: ["github:own","${INSTANCE}"]
  added by /run/config/ssh/authorized_keys:1:1
  set by /k3os/system/config.yaml:2:1
`);
});

test("explainConfig() names words of the kernel command line by column, and secrets not at all", async () => {
  expect(await explain("k3os.token")).toBe(`k3os.token: "(secret)"
  set by /var/lib/rancher/k3os/config.d/x.yaml:2:3
  over /proc/cmdline:1:7: "(secret)"
  over /k3os/system/config.yaml:6:3: "(secret)"
`);
});

test("explainConfig() shows no secret that is an argument of k3s", async () => {
  const files = {
    "/k3os/system/config.yaml": "k3os: {k3s_args: [server, --token, hunter1, --agent-token=hunter2]}\n",
  };
  using host = testHost({ files });
  const [first] = explainConfig((await readConfig(host)).origins, "k3os.k3s_args").split("\n");
  expect(first).toBe('k3os.k3s_args: ["server","--token","(secret)","--agent-token=(secret)"]');
});

test("explainConfig() of a section shows what is set below it", async () => {
  expect(await explain("k3os.install")).toBe("k3os.install.silent: true\n  set by /proc/cmdline:1:26\n");
});

test("explainConfig() without a key shows all that is set, and no secret", async () => {
  const all = await explain();
  const keys = all.match(/^\S+(?=: )/gm);
  expect(keys).toEqual([
    "ssh_authorized_keys",
    "write_files",
    "hostname",
    "k3os.wifi",
    "k3os.password",
    "k3os.token",
    "k3os.environment",
    "k3os.install.silent",
  ]);
  expect(all).not.toMatch(/hunter|inside/);
  expect(all).toContain("http://***@proxy:3128");
});

test("explainConfig() of a key that is not set says so and what it is", async () => {
  expect(await explain("k3os.modules")).toStartWith("k3os.modules is not set\n\nKernel modules to load");
});

test.each([
  ["k3os.tokne", 'Unknown key "k3os.tokne": did you mean "token"?'],
  ["token", 'Unknown key "token": did you mean "k3os.token"?'],
  ["hostname.x", 'Unknown key "hostname.x": hostname has no keys below it'],
  ["", 'Unknown key ""'],
])("explainConfig() of %p throws", async (key, message) => {
  expect(explain(key)).rejects.toThrow(new UsageError(message));
});
