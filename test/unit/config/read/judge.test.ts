import { expect, test } from "bun:test";
import { formatDiagnostic } from "../../../../lib/config/read/diagnostics.ts";
import { judgeLayers } from "../../../../lib/config/read/judge.ts";
import { parseBytes } from "../../../../lib/config/read/parse.ts";

function judge(...texts: readonly string[]): string[] {
  const layers = texts.map((text, at) => parseBytes(Buffer.from(text), `${at}.yaml`));
  return judgeLayers(layers).diagnostics.map((each) => `${each.severity} ${formatDiagnostic(each)}`);
}

test("judgeLayers() names the word of k3s_args, and the source that sets them", () => {
  expect(judge("hostname: a\n", "k3os:\n  k3s_args: [server, --no-deploy, traefik]\n")).toEqual([
    'error 1.yaml:2:3: k3os.k3s_args[1]: found "--no-deploy", which k3s has not taken since v1.25: expected --disable',
  ]);
});

test("judgeLayers() looks at what counts in the end only", () => {
  const old =
    "k3os: {k3s_args: [--no-deploy=a], dns_nameservers: [192.0.2.1]}\nwrite_files: [{path: /etc/resolv.conf}]\n";
  expect(judge(old)).toHaveLength(2);
  expect(judge(old, "k3os: {k3s_args: [], dns_nameservers: []}\n")).toEqual([]);
});

test("judgeLayers() takes a server of one source and arguments of another together", () => {
  const server = "k3os: {server_url: 'https://a:6443'}\n";
  expect(judge("k3os: {k3s_args: [--cluster-init]}\n")).toEqual([]);
  expect(judge(server, "k3os: {k3s_args: [--cluster-init]}\n")).toHaveLength(1);
});

test("judgeLayers() warns of a file beside a setting of another source", () => {
  const file = "write_files:\n- path: //etc/connman/../connman/main.conf\n";
  expect(judge("k3os: {ntp_servers: [a]}\n", file)).toEqual([
    'warning 1.yaml:1:1: write_files[0].path: found "//etc/connman/../connman/main.conf" beside k3os.ntp_servers: the file counts, and nothing else is written to it',
  ]);
});

test("judgeLayers() knows variables that k3s does not read any more", () => {
  expect(judge("k3os:\n  environment: {K3S_CLUSTER_SECRET: hunter2, K3S_TOKEN: t}\n")).toEqual([
    "warning 0.yaml:2:3: k3os.environment.K3S_CLUSTER_SECRET: k3s has not read it since v1.26: expected k3os.token",
  ]);
});

test("judgeLayers() knows that the kubelet takes one taint for each key and effect", () => {
  expect(
    judge("k3os: {taints: ['a=b:NoSchedule', 'a=b:NoExecute', 'a:NoSchedule', 'c:NoSchedule']}\n"),
  ).toEqual([
    'error 0.yaml:1:8: k3os.taints[2]: found another taint of the key and effect "a:NoSchedule", expected one',
  ]);
});

test("judgeLayers() looks at k3s_config as at arguments; a server skips what it does not know", () => {
  const config =
    "k3s_config: {tls-sam: a, no-deploy: traefik, lb-server-port: x, flannel-backend: wireguard, debug: true}";
  expect(judge(`k3os: {${config}}\n`)).toEqual([
    expect.stringContaining('warning 0.yaml:1:8: k3os.k3s_config["tls-sam"]: found "tls-sam", which k3s'),
    expect.stringContaining('warning 0.yaml:1:8: k3os.k3s_config["no-deploy"]: found "no-deploy", which k3s'),
    expect.stringContaining('error 0.yaml:1:8: k3os.k3s_config["flannel-backend"]: found "wireguard"'),
  ]);
  const agent = judge(`k3os: {server_url: 'https://a:6443', ${config}}\n`);
  expect(agent.map((line) => line.split(": found")[0])).toEqual([
    'warning 0.yaml:1:38: k3os.k3s_config["tls-sam"]',
    'error 0.yaml:1:38: k3os.k3s_config["no-deploy"]',
    'error 0.yaml:1:38: k3os.k3s_config["flannel-backend"]', // as an option, and its value
    'error 0.yaml:1:38: k3os.k3s_config["flannel-backend"]',
  ]);
});

test("judgeLayers() says which of two settings of one option counts", () => {
  const args = "k3s_args: [server, -d, /data, --tls-san=a, --kubelet-arg=x=y]";
  const config =
    "k3s_config: {data-dir: /other, tls-san+: b, token: t, kubelet-arg: register-with-taints=a:NoExecute}";
  expect(judge(`k3os: {${args}}\n`, `k3os: {token: t, taints: [b:NoExecute], ${config}}\n`)).toEqual([
    'warning 1.yaml:1:41: k3os.k3s_config["data-dir"]: found "data-dir" in k3s_args too: that counts, expected it in one of them',
    'warning 1.yaml:1:8: k3os.token: found "token" in k3s_config too: that counts, expected it in one of them',
    'warning 1.yaml:1:41: k3os.k3s_config["kubelet-arg"]: found "register-with-taints" beside k3os.taints: those count',
  ]);
});

test.each([
  ["k3s_args: [--config=/etc/k3s.yaml]", "--config in k3s_args"],
  ["environment: {K3S_CONFIG_FILE: /etc/k3s.yaml}", "K3S_CONFIG_FILE in environment"],
])("judgeLayers() knows that k3s does not read k3s_config with %s", (other, found) => {
  expect(judge(`k3os: {k3s_config: {debug: true}, ${other}}\n`)).toEqual([
    `error 0.yaml:1:8: k3os.k3s_config: found ${found}: k3s reads that file instead, expected one of them`,
  ]);
});
