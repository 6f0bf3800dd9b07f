import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { SCHEMA } from "../../lib/config/schema/schema.ts";
import { type ApiSandbox, openApiSandbox } from "../support/api-sandbox.ts";
import { CEL_VALUES, configWith } from "../support/cel-values.ts";
import { PROJECT } from "../support/sources.ts";

/** Our kinds in the API server of a real k3s, which has no nodes: what `kubectl apply` takes, refuses and explains. */

const MINUTE = 60_000;
const MANIFEST = readFileSync(join(PROJECT, "docs/kubernetes.crds.yaml"), "utf8");

let api: ApiSandbox;

beforeAll(async () => {
  api = await openApiSandbox();
  const applied = await api.kubectl(["apply", "--server-side", "-f", "-"], { input: MANIFEST });
  expect(applied.stderr).toBe("");
  for (const kind of ["k3osconfigs", "k3osnodes"]) {
    await api.kubectl(["wait", "--for=condition=Established", `crd/${kind}.k3os.io`, "--timeout=60s"]);
  }
}, 5 * MINUTE);

afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
});

/** A K3osConfig for all nodes, with these fields of its `spec`. */
function object(spec: object, name = "test"): string {
  return JSON.stringify({
    apiVersion: "k3os.io/v1",
    kind: "K3osConfig",
    metadata: { name },
    spec: { nodeSelector: {}, config: {}, ...spec },
  });
}

/** What kubectl says to an object: its errors, or nothing. */
async function refusal(input: string, argv = ["--server-side", "--dry-run=server"]): Promise<string> {
  return (await api.kubectl(["apply", ...argv, "-f", "-"], { input })).stderr;
}

describe("K3osConfig", () => {
  test("takes the example of every key, in the forms of Kubernetes and without what is refused", async () => {
    const { hostname: _, ...all } = parse(
      readFileSync(join(PROJECT, "test/examples/every-key.yaml"), "utf8"),
      { merge: true },
    );
    const { password: _p, token: _t, install: _i, ...k3os } = all.k3os;
    k3os.sysctls["fs.file-max"] = "1048576";
    k3os.wifi = [{ name: "home" }];
    k3os.k3s_config["write-kubeconfig-mode"] = ["0640"];
    k3os.registries.configs["registry.example.com:5000"].auth = { username: "puller" };
    const files = all.write_files.filter(({ content }: { content: unknown }) => typeof content === "string");
    files[1].permissions = "0644";
    const config = { ...all, k3os, write_files: files };
    expect(Object.keys(config.k3os)).toHaveLength(Object.keys(SCHEMA.fields.k3os.fields).length - 3);
    expect(await refusal(object({ config }))).toBe("");
  });

  test.each([
    ["a typo", { config: { k3os: { sysctl: {} } } }, "spec.config.k3os.sysctl"],
    ["a typo in the object itself", { nodeSelecter: {} }, "nodeSelecter"],
    ["a number", { config: { write_files: [{ path: "/a", permissions: 420 }] } }, "permissions"],
    ["another list", { config: { k3os: { modules: "kvm" } } }, "modules"],
    ["an entry without its name", { config: { k3os: { wifi: [{}] } } }, "name"],
    ["no selector", { nodeSelector: null }, "nodeSelector"],
    ["a password", { config: { k3os: { password: "x" } } }, "password is not taken: a secret"],
    ["a token", { config: { k3os: { token: "x" } } }, "token is not taken: a secret"],
    [
      "a passphrase",
      { config: { k3os: { wifi: [{ name: "x", passphrase: "12345678" }] } } },
      "passphrase is not",
    ],
    [
      "a login",
      { config: { k3os: { registries: { configs: { a: { auth: { auth: "eA==" } } } } } } },
      "auth is not",
    ],
    [
      "a secret argument",
      { config: { k3os: { k3s_args: ["server", "--agent-token=x"] } } },
      "found a secret in",
    ],
    [
      "a secret option",
      { config: { k3os: { k3s_config: { token: ["x"] } } } },
      "found an option that is a secret",
    ],
    ["a host name", { config: { hostname: "a" } }, "hostname is not taken: it names one machine"],
    [
      "an installation",
      { config: { k3os: { install: { device: "/dev/vda" } } } },
      "install is not taken: only",
    ],
    [
      "another namespace",
      { secretRefs: [{ setting: "k3os.token", name: "a", key: "b", namespace: "c" }] },
      "namespace",
    ],
    [
      "a reference for no secret",
      { secretRefs: [{ setting: "k3os.labels", name: "a", key: "b" }] },
      "setting",
    ],
    ["no node at a time", { rollout: { maxUnavailable: 0 } }, "maxUnavailable"],
    ["no part of the nodes", { rollout: { maxUnavailable: "0%" } }, "maxUnavailable"],
    [
      "an operator without values",
      { nodeSelector: { matchExpressions: [{ key: "a", operator: "In" }] } },
      "In and NotIn need",
    ],
  ] as const)("refuses %s", async (_, spec, expected) => {
    expect(await refusal(object(spec))).toContain(expected);
  });

  test("shows no secret in the reason why it is refused", async () => {
    const secrets = [
      { password: "hunter2" },
      { k3s_args: ["server", "--token=hunter2"] },
      { k3s_args: ["server", "--datastore-endpoint=mysql://k3s:hunter2@db/k3s"] },
      { wifi: [{ name: "x", passphrase: "hunter2hunter2" }] },
    ];
    const said = await refusal(
      secrets.map((k3os, at) => object({ config: { k3os } }, `s${at}`)).join("\n---\n"),
    );
    for (const at of secrets.keys()) expect(said).toContain(`"s${at}" is invalid`);
    expect(said).not.toContain("hunter2");
  });

  test(
    "agrees with the reader of the configuration about single values",
    async () => {
      // one call for all: each takes seconds
      const input = CEL_VALUES.map((value, at) => object({ config: configWith(value) }, `value-${at}`)).join(
        "\n---\n",
      );
      const said = await refusal(input);
      const refused = CEL_VALUES.filter((_, at) => said.includes(`"value-${at}" is invalid`));
      expect(refused).toEqual(CEL_VALUES.filter(({ valid }) => !valid));
    },
    MINUTE,
  );

  test("is explained with the words of the documentation", async () => {
    const { stdout } = await api.kubectl(["explain", "k3osconfig.spec.config.k3os.sysctls"]);
    expect(stdout).toContain("FIELD: sysctls <map[string]string>");
    expect(stdout.replace(/\s+/g, " ")).toContain(
      `${SCHEMA.fields.k3os.fields.sysctls.description} A change: live. Example: {"kernel.printk":"4 4 1 7"`,
    );
  });

  test(
    "takes an object of 1 MiB, and refuses one that etcd would not store",
    async () => {
      const files = (size: number) => ({
        config: { write_files: [{ path: "/a", content: "x".repeat(size) }] },
      });
      expect(await refusal(object(files(1 << 20), "large"), ["--server-side"])).toBe("");
      const { stdout } = await api.kubectl(["get", "k3osconfig", "large", "-o", "json"]);
      expect(JSON.parse(stdout).spec.config.write_files[0].content).toHaveLength(1 << 20);
      expect(await refusal(object(files(4 << 20), "larger"), ["--server-side"])).not.toBe("");
      await api.kubectl(["delete", "k3osconfig", "large"]);
    },
    MINUTE,
  );

  test("exists in one version", async () => {
    expect(await refusal(object({}).replace("/v1", "/v2"))).toContain(
      'no matches for kind "K3osConfig" in version "k3os.io/v2"',
    );
  });

  test("has defaults and readable columns", async () => {
    expect(await refusal(object({}, "columns"), ["--server-side"])).toBe("");
    const { stdout } = await api.kubectl(["get", "k3oscfg", "columns"]);
    expect(stdout.split("\n")[0]?.split(/\s+/)).toEqual([
      "NAME",
      "PRIORITY",
      "NODES",
      "APPLIED",
      "REFUSED",
      "PAUSED",
      "AGE",
    ]);
    expect(stdout.split("\n")[1]?.split(/\s+/).slice(0, 3)).toEqual(["columns", "0", "false"]);
    await api.kubectl(["delete", "k3osconfig", "columns"]);
  });
});

describe("K3osNode", () => {
  const node = (name: string) =>
    JSON.stringify({ apiVersion: "k3os.io/v1", kind: "K3osNode", metadata: { name } });
  const condition = (type: string, status: string, reason: string) => {
    return { type, status, reason, message: "", lastTransitionTime: "2026-12-01T00:00:00Z" };
  };
  const status = {
    mode: "local",
    role: "agent",
    versions: { k3os: "v0.36.3-k3s1r0", k3s: "v1.36.3+k3s1", kernel: "6.12.0" },
    configs: [{ name: "a", state: "Pending", keys: [{ key: "boot_cmd", state: "Pending", message: "m" }] }],
    conditions: [condition("Applied", "False", "Pending"), condition("Healthy", "True", "ChecksPass")],
  };

  test("is written by its own node, and is a table that one reads", async () => {
    const kubeconfig = api.kubelet("n1");
    expect(await api.kubectl(["create", "-f", "-"], { input: node("n1"), kubeconfig })).toMatchObject({
      code: 0,
    });
    const patch = [
      "patch",
      "k3osnode",
      "n1",
      "--subresource=status",
      "--type=merge",
      "-p",
      JSON.stringify({ status }),
    ];
    expect(await api.kubectl(patch, { kubeconfig })).toMatchObject({ code: 0 });
    const { stdout } = await api.kubectl(["get", "k3osnodes"]);
    const [head = "", row = ""] = stdout.split("\n");
    expect(head.split(/\s+/)).toEqual(["NAME", "MODE", "VERSION", "K3S", "CONFIG", "HEALTHY", "SINCE"]);
    expect(row.split(/\s+/).slice(0, 6)).toEqual([
      "n1",
      "local",
      "v0.36.3-k3s1r0",
      "v1.36.3+k3s1",
      "Pending",
      "True",
    ]);
  });

  test("is not written by another node", async () => {
    const kubeconfig = api.kubelet("n2");
    const forbidden = expect.stringContaining("a node writes only its own K3osNode");
    expect(await api.kubectl(["create", "-f", "-"], { input: node("n3"), kubeconfig })).toMatchObject({
      stderr: forbidden,
    });
    const patch = [
      "patch",
      "k3osnode",
      "n1",
      "--subresource=status",
      "--type=merge",
      "-p",
      '{"status":{"mode":"x"}}',
    ];
    expect(await api.kubectl(patch, { kubeconfig })).toMatchObject({ stderr: forbidden });
    for (const argv of [
      ["delete", "k3osnode", "n1"],
      ["list", "k3osnodes"],
      ["patch", "k3osnode", "n1", "--type=merge", "-p", '{"metadata":{"labels":{"a":"b"}}}'],
    ]) {
      expect((await api.kubectl(argv[0] === "list" ? ["get", "k3osnodes"] : argv, { kubeconfig })).code).toBe(
        1,
      );
    }
  });

  test("comes with no right to write a K3osConfig, nor to read a Secret", async () => {
    const kubeconfig = api.kubelet("n2");
    expect(await refusal(object({}, "read"), ["--server-side"])).toBe("");
    expect(await api.kubectl(["get", "k3osconfig", "read"], { kubeconfig })).toMatchObject({ code: 0 });
    for (const argv of [
      ["delete", "k3osconfig", "read"],
      ["patch", "k3osconfig", "read", "--type=merge", "-p", '{"spec":{"priority":1}}'],
      ["get", "secrets", "-n", "kube-system"],
      ["get", "secret", "-n", "k3os-system", "any"],
    ]) {
      expect(await api.kubectl(argv, { kubeconfig })).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("orbidden"),
      });
    }
  });
});
