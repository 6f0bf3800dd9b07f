import { describe, expect, test } from "bun:test";
import { formatDiagnostic } from "../../../../lib/config/read/diagnostics.ts";
import { parseConfigText } from "../../../../lib/config/read/parse.ts";
import { makeKey } from "../../../support/ssh-key.ts";

const KEY = makeKey("ssh-ed25519", "me");

function read(text: string) {
  const { config, diagnostics } = parseConfigText(text, "c.yaml");
  return { config, messages: diagnostics.map((each) => `${each.severity} ${formatDiagnostic(each)}`) };
}

/** Values that are used, and about which nothing is said. */
const GOOD: readonly string[] = [
  "hostname: node-1",
  "hostname: Node-1.Example.com",
  `hostname: ${"a".repeat(63)}`,
  "hostname: 1",
  `ssh_authorized_keys: ['${KEY}', "github:me", "gitlab:my.name", "codeberg:me", "launchpad:me", "https://example.com/k"]`,
  `ssh_authorized_keys: ['restrict,pty ${KEY}']`,
  'ssh_authorized_keys: [""]',
  "write_files: [{path: /a, content: aGk=, encoding: b64}]",
  "write_files: [{path: /a, content: 'plain $', encoding: ''}]",
  "k3os: {data_sources: [aws, AWS, auto, nocloud, config-drive, file=/tmp/x]}",
  "k3os: {server_url: 'https://server.example.com:6443'}",
  "k3os: {server_url: 'https://[2001:db8::1]:6443/'}",
  "k3os: {server_url: ''}",
  "k3os: {token: my secret}",
  `k3os: {token: 'K10${"0a".repeat(32)}::server:secret'}`,
  "k3os: {wifi: [{name: home, passphrase: 8 chars!}]}",
  `k3os: {wifi: [{name: home, passphrase: ${"0a".repeat(32)}}]}`,
  "k3os: {wifi: [{name: open}, {name: empty, passphrase: ''}]}",
  "k3os: {labels: {a: b, example.com/a: '', k3os.io/mode: x, my-kubernetes.io/a: b}}",
  "k3os: {labels: {topology.kubernetes.io/zone: a, kubernetes.io/hostname: b, beta.kubernetes.io/instance-type: c}}",
  "k3os: {labels: {node.kubernetes.io/instance-type: a, kubelet.kubernetes.io/a: b, x.node.kubernetes.io/a: b}}",
  "k3os: {modules: [kvm, 'bonding mode=1', nf_conntrack, snd-hda-intel]}",
  "k3os: {sysctls: {net.ipv4.conf.eth0/100.rp_filter: 1, kernel/printk: '4 4 1 7'}}",
  "k3os: {dns_nameservers: [8.8.8.8, '2001:4860:4860::8888'], ntp_servers: [pool.ntp.org, 192.0.2.1]}",
  "k3os: {taints: ['a=b:NoSchedule', 'example.com/a:NoExecute', 'a=:PreferNoSchedule']}",
];

test.each(GOOD)("%s is good", (text) => {
  expect(read(text).messages).toEqual([]);
});

/** Values that are left out, and what is said of them. */
const LEFT_OUT: readonly (readonly [text: string, message: string])[] = [
  ["hostname: my_node", 'hostname: found "my_node", expected a host name that a node can have'],
  [`hostname: ${"a".repeat(64)}`, "at most 63 characters"],
  [`hostname: ${"a".repeat(40)}.${"b".repeat(40)}`, "at most 63 characters"],
  ["hostname: -a", "expected a host name"],
  ["hostname: a.", "expected a host name"],
  ["hostname: a..b", "expected a host name"],
  ["hostname: a-.b", "expected a host name"],
  ["ssh_authorized_keys: [ssh-rsa AAAA...]", "ssh_authorized_keys[0]: found an SSH key whose base64"],
  ["ssh_authorized_keys: [me@example.com]", "found no ssh public key"],
  ["ssh_authorized_keys: ['ftp://example.com/k']", 'found the scheme "ftp"'],
  ["ssh_authorized_keys: ['github:a/b']", 'found the user "a/b"'],
  ["ssh_authorized_keys: ['https://']", "found no URL"],
  [
    "write_files: [{path: /a, content: 'a$b', encoding: b64}]",
    "write_files[0].content: the content is not valid base64",
  ],
  ["write_files: [{path: /a, content: aGk=, encoding: gz+b64}]", "the content is not valid gzip data"],
  ["k3os: {data_sources: [awss]}", 'k3os.data_sources[0]: Unknown data source "awss": did you mean "aws"?'],
  ["k3os: {data_sources: [something-else]}", "expected one of kvm, nocloud"],
  ["k3os: {data_sources: ['file=/a b']}", "without spaces"],
  [
    "k3os: {wifi: [{name: a, passphrase: 1234567}]}",
    "k3os.wifi[0].passphrase: found 7 characters, expected 8 to 63",
  ],
  [`k3os: {wifi: [{name: a, passphrase: ${"x".repeat(64)}}]}`, "found 64 characters, expected 8 to 63"],
  ["k3os: {wifi: [{name: a, passphrase: größer als acht}]}", "found characters beyond ASCII"],
  [`k3os: {wifi: [{name: ${"ü".repeat(17)}}]}`, "found 34 bytes, expected 1 to 32"],
  [
    "k3os: {labels: {node-role.kubernetes.io/worker: 'true'}}",
    'found a label below "node-role.kubernetes.io/"',
  ],
  ["k3os: {labels: {kubernetes.io/role: a}}", 'found a label below "kubernetes.io/"'],
  ["k3os: {labels: {k8s.io/a: b}}", 'found a label below "k8s.io/"'],
  ["k3os: {labels: {node-restriction.kubernetes.io/a: b}}", "which no node may give itself"],
  ["k3os: {labels: {'a b': c}}", "expected a Kubernetes label name"],
  ["k3os: {labels: {a: 'b c'}}", "expected a Kubernetes label value"],
  ["k3os: {modules: ['-r kvm']}", 'k3os.modules[0]: Found the module name "-r"'],
  ["k3os: {sysctls: {printk: 1}}", 'k3os.sysctls.printk: Found the kernel setting "printk"'],
  ["k3os: {sysctls: {'net.ipv4.conf.*.rp_filter': 1}}", "expected a name such as"],
  ["k3os: {dns_nameservers: [dns.google]}", 'found "dns.google", expected the address of a name server'],
  ["k3os: {dns_nameservers: ['8.8.8.8,1.1.1.1']}", "expected the address of a name server"],
  ["k3os: {ntp_servers: ['a b']}", 'found "a b", expected the name or address of one server'],
  ["write_files: [{path: /etc/}]", 'write_files[0].path: found "/etc/", expected the path of a file'],
  ["k3os: {taints: ['a=b']}", 'expected a taint such as "key=value:NoSchedule"'],
];

test.each(LEFT_OUT)("%s is left out, as an error", (text, message) => {
  const { config, messages } = read(text);
  expect(messages).toHaveLength(1);
  expect(messages[0]).toStartWith("error c.yaml:1:");
  expect(messages[0]).toContain(message);
  expect(config).toEqual({});
});

/** Values that count although something is said of them: without them, the node would do worse. */
const KEPT: readonly (readonly [text: string, message: string])[] = [
  [
    "k3os: {server_url: 'http://server:6443'}",
    "error c.yaml:1:20: k3os.server_url: found no https URL, expected one such as",
  ],
  ["k3os: {server_url: 'server:6443'}", "error c.yaml:1:20: k3os.server_url: found no https URL"],
  ["k3os: {server_url: 'https://a b:6443'}", "error c.yaml:1:20: k3os.server_url: found no https URL"],
  [
    "k3os: {token: 'K10abc::server:x'}",
    "warning c.yaml:1:15: k3os.token: found a truncated or damaged node token",
  ],
];

test.each(KEPT)("%s counts, and is told of", (text, message) => {
  const { config, messages } = read(text);
  expect(messages).toHaveLength(1);
  expect(messages[0]).toStartWith(message);
  expect(Object.keys(config)).toEqual(["k3os"]);
});

describe("a value that is left out", () => {
  test("costs no other", () => {
    const { config } = read(`
ssh_authorized_keys: [nothing, 'github:me']
k3os:
  data_sources: [awss, gcp]
  labels: {k8s.io/a: b, c: d}
  wifi: [{name: a, passphrase: short}, {name: b}]
write_files: [{path: /a, content: $, encoding: b64}, {path: /b}]
`);
    expect(config).toEqual({
      sshAuthorizedKeys: ["github:me"],
      k3os: { dataSources: ["gcp"], labels: { c: "d" }, wifi: [{ name: "b" }] },
      writeFiles: [{ path: "/b" }],
    });
  });

  test("is so on the kernel command line, too", async () => {
    const { readCmdline } = await import("../../../../lib/config/read/cmdline.ts");
    const line =
      "hostname=a_b k3os.data_source=awss k3os.labels.k8s.io/a=b k3os.server_url=http://a k3os.token=K10";
    const { settings, diagnostics } = readCmdline(line, "cmdline");
    expect(settings.map(({ path }) => path)).toEqual(["k3os.serverUrl", "k3os.token"]);
    expect(diagnostics.map(({ severity, path }) => `${severity} ${path}`)).toEqual([
      "error hostname",
      "error k3os.data_sources",
      'error k3os.labels["k8s.io/a"]',
      "error k3os.server_url",
      "warning k3os.token",
    ]);
  });

  test("of several keys in one entry leaves those that are keys", () => {
    const { config, messages } = read(`ssh_authorized_keys:\n- |\n  ${KEY}\n  ssh-rsa AAAA\n`);
    expect(config.sshAuthorizedKeys?.[0]).toContain(KEY);
    expect(messages).toEqual([
      expect.stringMatching(/^error c.yaml:2:3: ssh_authorized_keys\[0\]: found an SSH key/),
    ]);
  });
});
