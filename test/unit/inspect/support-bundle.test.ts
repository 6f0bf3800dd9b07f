import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { unpackTar } from "modern-tar";
import { support } from "../../../commands/support.ts";
import { parseCommandLine } from "../../../lib/tools/cli/cli.ts";
import type { TestHost } from "../../support/host.ts";
import { answers, k3osNode } from "../../support/k3os-node.ts";

/** Makes secrets that are like no other text, and remembers them. */
const canaries: string[] = [];
function canary(): string {
  const secret = `hunter-${canaries.length}-${"abcdefghijklmnopqrstuvwxyz"[canaries.length]}yes`;
  canaries.push(secret);
  return secret;
}
const base64 = (text: string) => Buffer.from(text).toString("base64");

const [TOKEN, PASSWORD, WIFI, ENV, COMMAND, CONTENT] = [
  canary(),
  canary(),
  canary(),
  canary(),
  canary(),
  canary(),
];
const [ENCODED, GZIPPED, ARGUMENT, PROXY, QUERY] = [canary(), canary(), canary(), canary(), canary()];
const [CMD_TOKEN, CMD_ENV, CMD_RUN, CMD_QUOTED, CMD_WRONG] = [
  canary(),
  canary(),
  canary(),
  canary(),
  canary(),
];
const [BROKEN, UNKNOWN, COMMENT, USERDATA, SCRIPT, K3S, OVERRIDDEN] = [
  ...[canary(), canary(), canary(), canary(), canary(), canary(), canary()],
] as [string, string, string, string, string, string, string];

const CONFIG = `# ${COMMENT}
hostname: node-7
ssh_authorized_keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExamples me@example.com"]
run_cmd: ["curl -u me:${COMMAND} example.com"]
write_files:
- path: /etc/a
  content: |
    line
    of_a_file ${CONTENT}
- {path: /etc/b, encoding: b64, content: ${base64(`plain ${ENCODED}`)}}
- {path: /etc/c, encoding: gz+b64, content: ${gzipSync(`plain ${GZIPPED}`).toString("base64")}}
k3os:
  tokne: ${UNKNOWN}
  token: ${TOKEN}
  password: ${PASSWORD}
  wifi: [{name: home, passphrase: ${WIFI}}]
  environment: {GREETING: ${ENV}, http_proxy: "http://me:${PROXY}@proxy:3128"}
  k3s_args: [server, --datastore-endpoint, "mysql://u:${ARGUMENT}@tcp(db)/k3s", --agent-token, ${ARGUMENT}]
  labels: {region: west}
  install: {config_url: "https://example.com/x?sig=${QUERY}"}
`;
const CMDLINE = `console=ttyS0 k3os.token=${CMD_TOKEN} k3os.environment.X=${CMD_ENV} run_cmd="echo ${CMD_RUN}" "k3os.password=a ${CMD_QUOTED}" k3os.tokn=${CMD_WRONG} k3os.mode=local`;

/** Everything there is, in the places where programs repeat it. */
const journal = () =>
  `Command line: BOOT_IMAGE=/vmlinuz ${CMDLINE}\n${canaries.map((secret) => `said ${secret}`).join("\n")}\n`;

let host: TestHost;
beforeEach(() => {
  host = k3osNode({
    answer: (argv) =>
      ["journalctl", "dmesg"].includes(argv[0] ?? "") ? { stdout: journal() } : answers(argv),
    files: {
      "/k3os/system/config.yaml": CONFIG,
      "/proc/cmdline": `${CMDLINE}\n`,
      "/var/lib/rancher/k3os/config.yaml": `k3os: {server_url: "https://127.0.0.1:1", token: ${OVERRIDDEN}}\n`,
      "/var/lib/rancher/k3os/config.d/broken": `k3os: {token: "${BROKEN}\n  - *${BROKEN}\n`,
      "/run/config/userdata": `#cloud-config\nk3os: {token: ${USERDATA}}\nrun_cmd: [${SCRIPT}]\n`,
      "/var/lib/rancher/k3s/server/token": `K10abc::server:${K3S}\n`,
      "/var/lib/rancher/k3os/boot/boot.log": journal(),
      "/boot/grub/grub.cfg": `menuentry "k3OS Current" {\n  linux (loop)/vmlinuz ${CMDLINE}\n}\n`,
      "/etc/systemd/system/k3s-service.service": `[Service]\nExecStart=/sbin/k3s server --agent-token ${ARGUMENT}\n`,
    },
  });
});
afterEach(() => host[Symbol.dispose]());

async function bundle(): Promise<ReadonlyMap<string, string>> {
  const file = join(host.root, "bundle.tar.gz");
  expect(await support.run(parseCommandLine(support, [file], {}), host)).toBe(0);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const entries = await unpackTar(gunzipSync(readFileSync(file)), { strip: 1 });
  return new Map(entries.map(({ header, data }) => [header.name, Buffer.from(data ?? []).toString()]));
}

describe("k3os support", () => {
  /** The broken source's own text is nowhere but in it; an unknown key's and a comment's neither. */
  const unknowable = [BROKEN, UNKNOWN, COMMENT, CMD_WRONG];

  test("lets no secret out, wherever it is repeated", async () => {
    const files = await bundle();
    const leaks = [...files].flatMap(([name, text]) => {
      const said = unknowable.reduce((rest, secret) => rest.replaceAll(`said ${secret}`, ""), text);
      return canaries
        .filter((secret) => said.includes(secret) || said.includes(base64(secret).slice(0, 12)))
        .map((secret) => `${name}: ${secret}`);
    });
    expect(leaks).toEqual([]);
  });

  test("says of each source what it sets, and what is wrong with it", async () => {
    const files = await bundle();
    const source = files.get("configuration/sources/k3os/system/config.yaml") ?? "";
    expect(source).toContain("hostname: node-7\n");
    expect(source).toContain("region: west\n");
    expect(source).toContain(
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExamples me@example.com",
    );
    expect(source).toContain("path: /etc/a\n");
    expect(source).toContain('GREETING: "(secret)"\n');
    expect(source).toContain(
      '# /k3os/system/config.yaml:13:3: k3os.tokne: unknown key: did you mean "token"?',
    );
    expect(files.get("configuration/sources/var/lib/rancher/k3os/config.d/broken.yaml")).toMatch(
      /^# .*: expected YAML$/m,
    );
    expect(files.get("configuration/merged.yaml")).toContain("server_url: https://127.0.0.1:1\n");
    expect(files.get("files/proc/cmdline")).toContain("console=ttyS0 k3os.token=(secret) ");
    expect(files.get("files/proc/cmdline")).toContain("k3os.mode=local");
  });

  test("holds status, checks, journals and itself, and names what it could not have", async () => {
    const files = await bundle();
    expect(JSON.parse(files.get("status.json") ?? "")).toMatchObject({
      mode: "local",
      hostname: expect.any(String),
    });
    expect(JSON.parse(files.get("doctor.json") ?? "")[0]).toMatchObject({ check: "memory" });
    expect(files.get("journal/this-boot.txt")).toStartWith("$ journalctl --boot");
    expect(files.has("files/var/lib/rancher/k3os/boot/boot.log")).toBe(true);
    for (const name of files.keys())
      expect(files.get("README.txt")).toContain(name === "README.txt" ? "Here:" : `  ${name}\n`);
    expect(host.logged.at(-1)).toContain("Secrets were removed");
  });
});
