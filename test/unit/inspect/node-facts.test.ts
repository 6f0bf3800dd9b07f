import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { status } from "../../../commands/status.ts";
import { type NodeState, readNode } from "../../../lib/inspect/node-facts.ts";
import { parseCommandLine } from "../../../lib/tools/cli/cli.ts";
import { runAs } from "../../../lib/tools/cli/dispatch.ts";
import { setLinks } from "../../../lib/tools/generation/generation-links.ts";
import { PATH } from "../../../lib/tools/host/paths.ts";
import { testHost } from "../../support/host.ts";
import { answers, k3osNode } from "../../support/k3os-node.ts";
import { addVersion } from "../../support/system-directory.ts";

const BROKEN = "/var/lib/rancher/k3os/config.d/x.yaml";

describe("readNode()", () => {
  test("tells of a server on which all is well", async () => {
    using host = k3osNode();
    const node = await readNode("local", host);
    expect(node).toMatchObject({
      restartFor: [],
      k3s: { role: "server", state: "active", since: "Mon" },
      failedUnits: [],
      configuration: [{ path: "/proc/cmdline", state: "read", problems: [] }],
      notApplied: [],
      interfaces: [{ name: "eth0", state: "UP", addresses: ["10.0.2.15/24"] }],
      disks: { state: { device: "/dev/vda1", type: "ext4", readOnly: false }, medium: undefined },
      leftOut: [],
    });
    expect(Date.parse(node.bootedAt ?? "")).toBeLessThan(Date.now() - 90_000);
  });

  test("names each source of the configuration once, and what is broken in it", async () => {
    using host = k3osNode({
      files: { [BROKEN]: "hostname: [\n", "/run/config/userdata": "#cloud-config\nhostname: x\n" },
    });
    const { configuration } = await readNode("local", host);
    expect(configuration.map(({ path, state }) => `${path} ${state}`)).toEqual([
      "/proc/cmdline read",
      "/run/config/userdata read",
      `${BROKEN} broken`,
    ]);
    expect(configuration.at(-1)?.problems[0]).toStartWith(`${BROKEN}:2:1: `);
  });

  test("says what of the configuration is not in effect", async () => {
    const failures = [{ applier: "run_cmd", path: "run_cmd[0]", message: "no" }];
    const runtime = {
      done: true,
      config: "",
      items: {},
      failures: [...failures, { applier: "k3s", message: "lost" }],
    };
    const files = { [PATH.outcome]: JSON.stringify({ sources: "", broken: [], phases: { runtime } }) };
    using host = k3osNode({ files });
    expect((await readNode("local", host)).notApplied).toEqual(["run_cmd[0]: no", "k3s: lost"]);
  });

  test("says what a restart is needed for", async () => {
    using host = k3osNode();
    const system = join(host.root, "k3os/system");
    addVersion(system, "k3os", "v3");
    setLinks(system, [{ component: "k3os", name: "current", version: "v3" }]);
    expect((await readNode("local", host)).restartFor).toEqual(["k3os v3"]);
    writeFileSync(join(system, "factory-reset"), "");
    expect((await readNode("local", host)).restartFor).toEqual(["k3os v3", "the reset"]);
  });

  test("leaves out what is not there to be asked, and names it", async () => {
    using host = testHost({ answer: () => ({ code: 1, stderr: "not found" }) });
    expect(await readNode(undefined, host)).toMatchObject({
      k3s: undefined,
      failedUnits: undefined,
      interfaces: undefined,
      configuration: [],
      notApplied: [],
      leftOut: ["disks", "uptime", "units", "addresses"],
    } satisfies Partial<NodeState>);
  });
});

describe("k3os status", () => {
  async function run(argv: readonly string[]): Promise<string> {
    using host = k3osNode({
      answer: (asked) => {
        return asked.includes("--failed") ? { stdout: '[{"unit":"smartd.service"}]' } : answers(asked);
      },
      files: {
        "/run/config/provider": "Hetzner",
        [BROKEN]: `hostnam: x\nk3os:\n  ${"very_long_key_".repeat(9)}: 1\n`,
      },
    });
    expect(await runAs(0, status, parseCommandLine(status, argv, {}), host)).toBe(0);
    return host.printed.join("");
  }

  test("prints lines of at most 80 columns, whatever they tell", async () => {
    const text = await run([]);
    expect(text.split("\n").filter((line) => line.length > 80)).toEqual([]);
    expect(text).toContain("K3s       server, active, since Mon\nUnits     failed: smartd.service\n");
    expect(text).toContain("Data from Hetzner\n");
    expect(text).toContain("Disk      /dev/vda1: ");
  });

  test("prints all of it as one object with --json", async () => {
    expect(JSON.parse(await run(["--json"]))).toMatchObject({
      mode: "local",
      current: { k3os: "v2" },
      failedUnits: ["smartd.service"],
      dataSource: { provider: "Hetzner" },
    });
  });
});
