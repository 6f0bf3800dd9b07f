import { expect, test } from "bun:test";
import { formatDiagnostic } from "../../../../lib/config/read/diagnostics.ts";
import { parseConfigText } from "../../../../lib/config/read/parse.ts";
import { isCloudInitKey } from "../../../../lib/config/schema/cloud-init-keys.ts";
import { fieldName } from "../../../../lib/config/schema/names.ts";
import { SCHEMA } from "../../../../lib/config/schema/schema.ts";

function messages(text: string): string[] {
  return parseConfigText(text, "c.yaml").diagnostics.map(formatDiagnostic);
}

test("keys of cloud-init make one line, with what to use instead", () => {
  const text = "hostname: a\npackages: [vim]\nusers: [{name: me}]\nchpasswd: {}\nfqdn: a.b\nbootcmd: [a]\n";
  expect(messages(text)).toEqual([
    "c.yaml:2:1: packages, users, chpasswd, fqdn: unknown here, though cloud-init has it; for packages: a container, since /usr is read-only; for users, chpasswd: ssh_authorized_keys and k3os.password, for the user rancher; for fqdn: hostname",
  ]);
});

test("keys of cloud-init are unknown keys to who checks strictly", () => {
  const { diagnostics } = parseConfigText("packages: [vim]\n", "c.yaml");
  expect(diagnostics).toMatchObject([{ severity: "warning", kind: "unknown-key" }]);
});

test("keys that we have are not taken for those of cloud-init", () => {
  expect(
    ["hostname", "write_files", "ssh_authorized_keys", "runcmd", "bootcmd", "k3os"].map(isCloudInitKey),
  ).not.toContain(true);
  expect(fieldName(SCHEMA, "bootcmd")).toBe("bootCmd");
});

test("keys below others are not taken for those of cloud-init", () => {
  expect(messages("k3os: {users: a}\n")).toEqual(["c.yaml:1:8: k3os.users: unknown key"]);
});

test("keys without a value make one line for a whole file", () => {
  const text = "hostname:\nrun_cmd: ~\nk3os:\n  token:\n  modules: null\n  install:\n    device:\n";
  expect(messages(text)).toEqual([
    'c.yaml:1:1: hostname, run_cmd, k3os.token, k3os.modules, k3os.install.device: found nothing, which changes nothing: expected a value, or "", [] or {} to clear one',
  ]);
});
