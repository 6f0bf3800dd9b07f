import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import {
  environment as environmentOf,
  formatEnvironment,
  parseEnvironment,
} from "../../../lib/apply/environment.ts";
import { testHost } from "../../support/host.ts";
import { outcome } from "../../support/outcome.ts";
import { treeOf } from "../../support/tree.ts";

const FILE = "/etc/environment";
const environment = environmentOf({ reload: false });
const DROP_IN = "/etc/systemd/system.conf.d/50-k3os-environment.conf";

describe("environment", () => {
  test("is merged into /etc/environment, sorted", async () => {
    using host = testHost({ files: { [FILE]: '# shipped\nexport K3S_KUBECONFIG_MODE="0644"\nZ=old\n' } });
    await environment.apply({ k3os: { environment: { Z: "new", HTTP_PROXY: "http://p:1" } } }, host);
    expect(readFileSync(host.root + FILE, "utf8")).toBe(
      'HTTP_PROXY="http://p:1"\nK3S_KUBECONFIG_MODE="0644"\nZ="new"\n',
    );
  });

  test("reaches all services", async () => {
    using host = testHost();
    await environment.apply({ k3os: { environment: { A: 'a "b" 100% $c\\d' } } }, host);
    expect(readFileSync(host.root + DROP_IN, "utf8")).toBe(
      '[Manager]\nDefaultEnvironment="A=a \\"b\\" 100%% $c\\\\d"\n',
    );
  });

  test("is given to services of the runtime phase at once, but only when it changed", async () => {
    using host = testHost();
    const runtime = environmentOf({ reload: true });
    const reloads = () =>
      host.programs.filter(({ argv }) => argv.join(" ") === "systemctl daemon-reload").length;
    const config = { k3os: { environment: { A: "b" } } };
    await runtime.apply(config, host);
    await runtime.apply(config, host);
    expect(reloads()).toBe(1);
    await runtime.apply({}, host);
    expect(reloads()).toBe(2);
    expect(treeOf(host.root)[DROP_IN]).toBeUndefined();
  });

  test("changes nothing the second time, whatever the values", async () => {
    using host = testHost();
    const config = { k3os: { environment: { A: 'it\'s "$x" `y` \\', B: "$x", C: "'", D: "" } } };
    await environment.apply(config, host);
    const before = treeOf(host.root);
    await environment.apply(config, host);
    expect(treeOf(host.root)).toEqual(before);
  });

  test("leaves out a name or value that cannot be written, and keeps the others", async () => {
    using host = testHost();
    const bad = { k3os: { environment: { "A B": "x", C: "1\nD=2", GOOD: "yes" } } };
    const error = await outcome(environment, bad, host);
    expect(error).toContain("k3os.environment[A B]: ");
    expect(error).toContain("k3os.environment[C]: Found a line break");
    expect(readFileSync(host.root + FILE, "utf8")).toBe('GOOD="yes"\n');
  });
});

test("parseEnvironment() reads what formatEnvironment() wrote", () => {
  const values = [
    "",
    "plain",
    "a b",
    "$HOME",
    "`id`",
    'say "x"',
    "it's",
    "it's $5",
    "\\",
    "a\\'b\"c",
    "#x",
    "a=b",
  ];
  const variables = new Map(values.map((value, index) => [`V${index + 10}`, value]));
  expect(parseEnvironment(formatEnvironment(variables))).toEqual(variables);
});
