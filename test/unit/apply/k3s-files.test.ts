import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { k3sConfigFile, registriesFile } from "../../../lib/apply/k3s-files.ts";
import { k3s } from "../../../lib/apply/k3s-settings.ts";
import { GENERATED } from "../../../lib/config/schema/generated-files.ts";
import { testHost } from "../../support/host.ts";

describe("k3sConfigFile()", () => {
  test("has every value as a string, and lists for what adds up", () => {
    const k3sConfig = { "write-kubeconfig-mode": ["0640"], "tls-san": ["a"], debug: ["true"], disable: [] };
    expect(
      k3sConfigFile({ k3sConfig }, "server"),
    ).toBe(`# Written by k3OS: change the setting instead, k3os.k3s_config
debug: "true"
tls-san:
- a
write-kubeconfig-mode: "0640"
`);
  });

  test("turns the embedded registry on, on servers and unless the user has said something else", () => {
    const registries = { embedded: true };
    expect(k3sConfigFile({ registries }, "server")).toContain('embedded-registry: "true"\n');
    expect(k3sConfigFile({ registries }, "agent")).toBeUndefined();
    const k3sConfig = { "embedded-registry": ["false"] };
    expect(k3sConfigFile({ registries, k3sConfig }, "server")).toContain('embedded-registry: "false"\n');
    expect(k3sConfigFile({}, "server")).toBeUndefined();
  });
});

describe("registriesFile()", () => {
  test("has k3s's own names", () => {
    const registries = {
      mirrors: { "docker.io": { endpoint: ["https://a:5000"], rewrite: { "^x": "y" } }, "quay.io": {} },
      configs: {
        "a:5000": { auth: { identityToken: "t" }, tls: { insecureSkipVerify: true, caFile: "/ca" } },
      },
    };
    expect(
      registriesFile({ registries }),
    ).toBe(`# Written by k3OS: change the setting instead, k3os.registries
configs:
  a:5000:
    auth:
      identity_token: t
    tls:
      ca_file: /ca
      insecure_skip_verify: true
mirrors:
  docker.io:
    endpoint:
    - https://a:5000
    rewrite:
      "^x": "y"
  quay.io: {}
`);
  });

  test("names all registries for an embedded one without mirrors", () => {
    expect(registriesFile({ registries: { embedded: true } })).toEndWith('mirrors:\n  "*": {}\n');
    expect(registriesFile({ registries: {} })).toBeUndefined();
  });
});

describe("the files of k3s", () => {
  const FILES = { "/sbin/k3s": "#!", "/run/k3os/mode": "local\n" };
  const { registries, k3sConfig } = GENERATED;
  const settings = { k3os: { k3sConfig: { debug: ["true"] }, registries: { mirrors: { a: {} } } } };
  const answers = (argv: readonly string[]) =>
    argv[1] === "is-active" ? { code: 0, stdout: "active\n" } : {};

  test("are for root alone, restart k3s when they change, and go with their settings", async () => {
    using host = testHost({ files: FILES, answer: answers });
    const restarts = () => host.programs.filter(({ argv }) => argv.includes("restart")).length;
    await k3s({ start: false }).apply(settings, host);
    for (const { path } of [registries, k3sConfig])
      expect(statSync(host.root + path).mode & 0o777).toBe(0o600);
    await k3s({ start: true }).apply(settings, host);
    expect(restarts()).toBe(0);
    await k3s({ start: true }).apply({ k3os: { registries: { mirrors: { b: {} } } } }, host);
    expect(restarts()).toBe(1);
    expect(existsSync(host.root + k3sConfig.path)).toBe(false);
    expect(readFileSync(host.root + registries.path, "utf8")).toContain("b: {}");
    await k3s({ start: true }).apply({}, host);
    expect(existsSync(host.root + registries.path)).toBe(false);
    expect(restarts()).toBe(2);
  });

  test("stay if a command of the user has written them", async () => {
    using host = testHost({ files: FILES, answer: answers });
    mkdirSync(dirname(host.root + registries.path), { recursive: true });
    writeFileSync(host.root + registries.path, "mirrors: {}\n");
    await k3s({ start: true }).apply({}, host);
    expect(readFileSync(host.root + registries.path, "utf8")).toBe("mirrors: {}\n");
  });
});
