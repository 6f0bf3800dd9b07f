import { expect, test } from "bun:test";
import { readCmdline, splitCmdline } from "../../../../lib/config/read/cmdline.ts";
import { formatDiagnostic } from "../../../../lib/config/read/diagnostics.ts";
import { mergeLayers } from "../../../../lib/config/read/merge.ts";

function read(line: string) {
  const layer = readCmdline(line, "cmdline");
  return {
    config: mergeLayers([layer]).config,
    messages: layer.diagnostics.map((each) => `${each.severity} ${formatDiagnostic(each)}`),
  };
}

test.each([
  ["a b=c", ["a", undefined], ["b", "c"]],
  ["a=b=c", ["a", "b=c"]],
  ['a="b c" d', ["a", "b c"], ["d", undefined]],
  ['"a=b c" d', ["a", "b c"], ["d", undefined]],
  ['a=b" "c', ["a", 'b" "c']],
  ["a='b c'", ["a", "'b"], ["c'", undefined]],
  ['a=""', ["a", ""]],
  ['a="', ["a", ""]],
  ["a=", ["a", ""]],
  ["\t a \n b\n", ["a", undefined], ["b", undefined]],
  ["", ...[]],
  ["=a", ["=a", undefined]],
  ['a="b c d', ["a", "b"], ["c", undefined], ["d", undefined]],
] as const)("splitCmdline() of %p", (line, ...words) => {
  expect(splitCmdline(line).map(({ name, value }) => [name, value])).toEqual(words as never);
});

test.each([
  ["k3os.token=T", { token: "T" }],
  ["k3os.token=a k3os.token=b", { token: "b" }],
  ["k3os.token=", { token: "" }],
  ["k3os.token=a=b==", { token: "a=b==" }],
  ["k3os.token=0644", { token: "0644" }],
  ["k3os.dns_nameserver=8.8.8.8 k3os.dns_nameserver=1.1.1.1", { dnsNameservers: ["8.8.8.8", "1.1.1.1"] }],
  ["k3os.modules=kvm", { modules: ["kvm"] }],
  ['k3os.modules="bonding mode=1"', { modules: ["bonding mode=1"] }],
  ["k3os.modules=", { modules: [] }],
  ['k3os.sysctl[kernel.printk]="4 4 1 7"', { sysctls: { "kernel.printk": "4 4 1 7" } }],
  ['"k3os.sysctl[kernel.printk]=4 4 1 7"', { sysctls: { "kernel.printk": "4 4 1 7" } }],
  ["k3os.sysctls.kernel.kptr_restrict=1", { sysctls: { "kernel.kptr_restrict": "1" } }],
  ["k3os.labels.region=x k3os.labels[example.com/a]=y", { labels: { region: "x", "example.com/a": "y" } }],
  ["k3os.labels.a=1 k3os.labels.a=2", { labels: { a: "2" } }],
  ["k3os.environment.HTTP_PROXY=http://x:1", { environment: { HTTP_PROXY: "http://x:1" } }],
  ["k3os.install.silent", { install: { silent: true } }],
  ["k3os.install.silent=TRUE", { install: { silent: true } }],
  ["k3os.install.silent=1 k3os.install.debug=no", { install: { silent: true, debug: false } }],
  ["k3os.install.efi=true", { install: { forceEfi: true } }],
  ["k3os.install.tty=ttyS0,115200", { install: { tty: "ttyS0,115200" } }],
  ["K3OS.serverURL=https://x", { serverUrl: "https://x" }],
] as const)("readCmdline() of %p", (line, k3os) => {
  expect(read(line)).toEqual({ config: { k3os } as never, messages: [] });
});

test("readCmdline() reads settings outside the k3os section", () => {
  const { config } = read("hostname=n1 ssh_authorized_key=github:a ssh_authorized_key=github:b");
  expect(config).toEqual({ hostname: "n1", sshAuthorizedKeys: ["github:a", "github:b"] });
});

test.each([
  "BOOT_IMAGE=/vmlinuz quiet console=ttyS0,115200 console=tty1 root=LABEL=x",
  "k3os.mode=install k3os.fallback_mode=install k3os.debug k3os.debug=true rescue",
  "k3os.boot=trial k3os.takeover=1234-abcd", // which our boot menus set
  "module.sig=1 systemd.unit=x printk.devkmsg=on",
  "",
])("readCmdline() passes over %p", (line) => {
  expect(read(line)).toEqual({ config: {}, messages: [] });
});

test.each([
  ["k3os k3os.token=x", 'warning cmdline:1:1: k3os: found "k3os" alone, expected a key below it: ignored'],
  [
    "k3os.install k3os.token=x",
    'warning cmdline:1:1: k3os.install: found "k3os.install" alone, expected a key below it: ignored',
  ],
  ["k3os.tokne=y k3os.token=x", 'warning cmdline:1:1: k3os.tokne: unknown key: did you mean "token"?'],
  [
    "k3os.token=x k3os.modules",
    "error cmdline:1:14: k3os.modules: found no value, expected k3os.modules=VALUE",
  ],
  ["k3os.token=x hostname", "error cmdline:1:14: hostname: found no value, expected hostname=VALUE"],
  [
    "k3os.token=x k3os.install.silent=maybe",
    'error cmdline:1:14: k3os.install.silent: found "maybe", expected true or false',
  ],
  [
    "k3os.token=x k3os.labels=a",
    'error cmdline:1:14: k3os.labels: found "k3os.labels", expected k3os.labels.KEY=VALUE or k3os.labels[KEY]=VALUE',
  ],
  [
    "k3os.token=x k3os.modules[0]=a",
    'warning cmdline:1:14: k3os.modules: unknown key "[0]" below k3os.modules',
  ],
  ["k3os.token=x k3os.wifi.name=a", 'warning cmdline:1:14: k3os.wifi: unknown key ".name" below k3os.wifi'],
  [
    "k3os.token=x k3os.wifi=a",
    "error cmdline:1:14: k3os.wifi: found on the kernel command line, expected in a file: its entries have several parts",
  ],
  [
    'k3os.token=x k3os.modules="a b',
    'error cmdline:1:14: k3os.modules: found a quote that is never closed, expected another "',
  ],
  [
    "k3os.token=x k3os.labels[__proto__]=a",
    'warning cmdline:1:14: k3os.labels.__proto__: found the key "__proto__": it is ignored',
  ],
  ["k3os.token=x k3os.__proto__.y=a", 'warning cmdline:1:14: k3os["__proto__.y"]: unknown key'],
  [
    "k3os.Token=y k3os.token=x",
    'warning cmdline:1:1: k3os.token: found "k3os.Token" beside "k3os.token", which means the same: only "k3os.token" counts',
  ],
])("readCmdline() of %p tells %p and keeps the rest", (line, message) => {
  expect(read(line)).toEqual({ config: { k3os: { token: "x" } }, messages: [message] });
});

test("readCmdline() of a quote that is never closed does not lose the words behind it", () => {
  expect(read('k3os.modules="a b k3os.token=x').config).toEqual({ k3os: { token: "x" } });
});

test("readCmdline() of prototype names leaves all objects alone", () => {
  read(
    "constructor.prototype.polluted=1 __proto__.polluted=1 k3os.labels.__proto__=1 k3os.constructor.polluted=1",
  );
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});

test("readCmdline() shows no secret", () => {
  const { messages } = read('k3os.password="hunter2');
  expect(messages.join()).not.toContain("hunter2");
  expect(messages).toHaveLength(1);
});
