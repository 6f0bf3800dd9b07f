import { expect, test } from "bun:test";
import { configFlaws, optionValue } from "../../../../lib/config/schema/k3s-config.ts";

const NOTHING = {
  "k3os.server_url": false,
  "k3os.token": false,
  "k3os.taints": false,
  "k3os.registries.mirrors": false,
  "k3os.registries.configs": false,
};

test.each([
  [{ "tls-san": ["a", "b"], "write-kubeconfig-mode": ["0640"], debug: ["true"] }, ["server"]],
  [{ "node-label": ["a=b"], "kubelet-arg+": ["max-pods=50"] }, ["agent", "--node-label", "c=d"]],
  [{ disable: [] }, []],
])("configFlaws(%j) are none beside %j", (k3sConfig: Record<string, string[]>, k3sArgs) => {
  expect(configFlaws({ k3sConfig, k3sArgs, otherFile: undefined, isSet: NOTHING })).toEqual([]);
});

test("configFlaws() knows an option by its short name, and one that is there twice for what it is", () => {
  const isSet = { ...NOTHING, "k3os.token": true };
  const k3sConfig = { t: ["secret"], d: ["/data"] };
  const flaws = configFlaws({ k3sConfig, k3sArgs: ["--data-dir", "/d"], otherFile: undefined, isSet });
  expect(flaws.map(({ setting, key, kept }) => [setting, key, kept])).toEqual([
    ["k3os.token", undefined, "warning"],
    ["k3os.k3s_config", "d", "warning"],
  ]);
  expect(JSON.stringify(flaws)).not.toContain("secret");
});

test.each([
  [{}, undefined],
  [{ k3sConfig: { "data-dir": ["/file"] } }, "/file"],
  [{ k3sConfig: { d: ["/file"] }, k3sArgs: ["server", "--data-dir", "/args"] }, "/args"],
  [{ k3sArgs: ["agent", "-d=/one", "--data-dir=/two"] }, "/two"],
  [{ k3sArgs: ["--debug"] }, undefined],
] as const)("optionValue(%j) of data-dir is %p", (input, value) => {
  expect(optionValue(input, "data-dir")).toBe(value as never);
});

test("configFlaws() knows that k3s reads another file of registries", () => {
  const isSet = { ...NOTHING, "k3os.registries.mirrors": true };
  const flawsOf = (path: string) =>
    configFlaws({ k3sConfig: { "private-registry": [path] }, k3sArgs: [], otherFile: undefined, isSet });
  expect(flawsOf("/mine.yaml").map(({ setting, kept }) => [setting, kept])).toEqual([
    ["k3os.registries.mirrors", "error"],
  ]);
  expect(flawsOf("/etc/rancher/k3s/registries.yaml")).toEqual([]);
});
