import { describe, expect, test } from "bun:test";
import type { CloudConfig } from "../../../../lib/config/schema/schema.ts";
import type { InstallFacts } from "../../../../lib/install/install-facts.ts";
import type { InstallSettings } from "../../../../lib/install/install-settings.ts";
import { cloudConfig } from "../../../../lib/install/interview/ask-cloud-config.ts";
import { role, serverUrl, token } from "../../../../lib/install/interview/ask-cluster.ts";
import { password } from "../../../../lib/install/interview/ask-password.ts";
import { sshKeys } from "../../../../lib/install/interview/ask-ssh-keys.ts";
import { wifi } from "../../../../lib/install/interview/ask-wifi.ts";
import { disk } from "../../../../lib/install/interview/choose-disk.ts";
import { knownOperation, operation } from "../../../../lib/install/interview/choose-operation.ts";
import type { Interview, Step } from "../../../../lib/install/interview/step.ts";
import { askAll, INTERVIEW } from "../../../../lib/install/interview/steps.ts";
import { scriptedAsker } from "../../../support/asker.ts";
import { testHost } from "../../../support/host.ts";
import { facts, SETTINGS } from "../samples.ts";
import { playChpasswd } from "./samples.ts";

interface Given {
  readonly operation?: Interview["operation"];
  readonly role?: Interview["role"];
  readonly settings?: Partial<InstallSettings>;
  readonly config?: CloudConfig;
  readonly facts?: Partial<InstallFacts>;
}

/** A machine that k3OS is to be installed on, of which nothing else is known. */
function interview(given: Given = {}): Interview {
  return {
    operation: "operation" in given ? given.operation : "install",
    settings: { ...SETTINGS, device: undefined, interview: true, ...given.settings },
    facts: facts(given.facts),
    config: given.config ?? {},
    diagnostics: [],
    role: given.role,
  };
}

const STEPS: Readonly<Record<string, Step>> = {
  operation,
  disk,
  cloudConfig,
  sshKeys,
  password,
  wifi,
  role,
  serverUrl,
  token,
};

/** The questions that come up. */
function asked(given: Given): string {
  const known = interview(given);
  return Object.entries(STEPS)
    .filter(([, step]) => !step.skip(known))
    .map(([name]) => name)
    .join(" ");
}

const url = { configUrl: "http://x/c.yaml" };

describe("what is known is not asked for:", () => {
  test.each<[string, Given, string]>([
    ["nothing", {}, "disk cloudConfig sshKeys password wifi role"],
    [
      "not even what to do",
      { operation: undefined },
      "operation role", // the others wait for that
    ],
    ["the device", { settings: { device: "/dev/vda" } }, "cloudConfig sshKeys password wifi role"],
    [
      "that the file system is kept",
      { settings: { noFormat: true } },
      "cloudConfig sshKeys password wifi role",
    ],
    ["the file", { settings: url }, "disk"],
    ["the file, of what will be an agent", { settings: url, role: "agent" }, "disk"],
    ["keys", { config: { sshAuthorizedKeys: ["github:a"] } }, "disk cloudConfig wifi role"],
    [
      "that there are no keys",
      { config: { sshAuthorizedKeys: [] } },
      "disk cloudConfig sshKeys password wifi role",
    ],
    ["a password", { config: { k3os: { password: "$6$x" } } }, "disk cloudConfig wifi role"],
    ["WiFi", { config: { k3os: { wifi: [{ name: "a" }] } } }, "disk cloudConfig sshKeys password role"],
    ["that it is a server", { role: "server" }, "disk cloudConfig sshKeys password wifi token"],
    ["that it is an agent", { role: "agent" }, "disk cloudConfig sshKeys password wifi serverUrl token"],
    [
      "the server of an agent",
      { role: "agent", config: { k3os: { serverUrl: "https://s:6443" } } },
      "disk cloudConfig sshKeys password wifi token",
    ],
    [
      "the token of a server",
      { role: "server", config: { k3os: { token: "t" } } },
      "disk cloudConfig sshKeys password wifi",
    ],
    ["that the running system is configured", { operation: "configure" }, "role"],
    ["that it becomes an agent", { operation: "configure", role: "agent" }, "serverUrl token"],
    [
      "that it becomes an agent, with a file for others",
      { operation: "configure", role: "agent", settings: url },
      "serverUrl token",
    ],
  ])("%s", (_, given, questions) => {
    expect(asked(given)).toBe(questions);
  });
});

describe("knownOperation()", () => {
  test.each([
    ["install", "install"],
    ["live-server", "configure"],
    ["live-agent", "configure"],
    ["live", undefined],
    ["local", undefined],
    [undefined, "install"],
  ] as const)("of the mode %p is %p", (mode, known) => {
    expect(knownOperation({ mode }, { bootstrap: false, interview: true })).toBe(known);
  });

  test("is an installation on another Linux, and where the command line says what to do", () => {
    expect(knownOperation({ mode: "live" }, { bootstrap: true, interview: true })).toBe("install");
    expect(knownOperation({ mode: "live" }, { bootstrap: false, interview: false })).toBe("install");
  });
});

describe("the interview", () => {
  async function run(answers: Parameters<typeof scriptedAsker>[0], given: Given) {
    using host = testHost({ answer: playChpasswd });
    const asker = scriptedAsker(answers);
    const end = await askAll(INTERVIEW, interview(given), asker, host);
    expect(asker.left).toEqual([]);
    return { ...end, asked: asker.asked, shown: asker.shown };
  }

  test("asks in the order of the original", async () => {
    const { asked, config } = await run(
      [
        "Install to disk",
        false,
        false,
        "secret",
        "secret",
        true,
        "home",
        "",
        false,
        "agent",
        "https://s:6443",
        "T",
      ],
      { operation: undefined, settings: { device: "/dev/vda" }, config: { hostname: "n1" } },
    );
    expect(asked).toEqual([
      "Choose operation",
      "Config system with cloud-init file?",
      "Authorize GitHub users to SSH?",
      "Password for rancher",
      "The same again",
      "Configure WiFi?",
      "Name of the WiFi network",
      "Its passphrase (nothing: it is open)",
      "Configure another WiFi network?",
      "Run as server or agent?",
      "URL of server (https://NAME:6443)",
      "Token or cluster secret",
    ]);
    expect(config).toEqual({
      hostname: "n1",
      k3os: {
        ...{ password: expect.stringMatching(/^\$6\$/), wifi: [{ name: "home" }] },
        ...{ serverUrl: "https://s:6443", token: "T" },
      },
    });
  });

  test("of a running system asks for its part in the cluster only, and keeps what else is configured", async () => {
    const { asked, config, operation } = await run(["Configure server or agent", "server", ""], {
      operation: undefined,
      facts: { mode: "local" },
      config: { hostname: "n1", k3os: { labels: { a: "b" } } },
    });
    expect(asked).toEqual([
      "Choose operation",
      "Run as server or agent?",
      "Token or cluster secret (optional)",
    ]);
    expect({ operation, config }).toEqual({
      operation: "configure",
      config: { hostname: "n1", k3os: { labels: { a: "b" } } },
    });
  });

  test("of an installed system offers no disk", async () => {
    const installing = run(["Install to disk"], { operation: undefined, facts: { mode: "local" } });
    await expect(installing).rejects.toThrow('"Install to disk" is no choice');
  });

  test("ends at once on a machine that k3OS cannot be installed on", async () => {
    await expect(run([], { facts: { secureBoot: true } })).rejects.toThrow("Secure Boot is on");
  });

  test("configures a machine that k3OS cannot be installed on", async () => {
    const agent = await run(["https://s:6443", "T"], {
      ...{ operation: "configure", role: "agent", facts: { secureBoot: true } },
    });
    expect(agent.config.k3os).toEqual({ serverUrl: "https://s:6443", token: "T" });
  });
});
