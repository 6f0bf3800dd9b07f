import { describe, expect, test } from "bun:test";
import { k3sArguments, k3sEnvironment, k3sUnit } from "../../../lib/apply/k3s-service.ts";

const FACTS = { mode: "local", version: "v1.2.3" };
const LABELS = ["--node-label", "k3os.io/mode=local", "--node-label", "k3os.io/version=v1.2.3"];

describe("k3sArguments()", () => {
  test.each([
    ["server by default", {}, ["server"]],
    ["agent with a server to join", { serverUrl: "https://s:6443" }, ["agent"]],
    ["server for an empty URL", { serverUrl: "" }, ["server"]],
    ["what k3s_args say", { serverUrl: "https://s", k3sArgs: ["server", "--x"] }, ["server", "--x"]],
    ["the role put before flags", { k3sArgs: ["--disable=traefik"] }, ["server", "--disable=traefik"]],
    ["the agent's role put before flags", { serverUrl: "https://s", k3sArgs: ["--x"] }, ["agent", "--x"]],
  ])("gives %s", (_, config, expected) => {
    expect(k3sArguments(config, FACTS)).toEqual([...expected, ...LABELS]);
  });

  test("sorts labels, ours among them, and lets none of ours be faked", () => {
    const labels = { region: "eu", "a.example/x": "1", "k3os.io/mode": "fake" };
    expect(k3sArguments({ labels }, FACTS)).toEqual([
      ...["server", "--node-label", "a.example/x=1"],
      ...LABELS,
      ...["--node-label", "region=eu"],
    ]);
  });

  test("leaves out the mode where it is unknown", () => {
    expect(k3sArguments({}, { mode: undefined, version: "dev" })).toEqual([
      "server",
      "--node-label",
      "k3os.io/version=dev",
    ]);
  });

  test("registers taints", () => {
    const taints = ["a=b:NoSchedule", "c:NoExecute"];
    expect(k3sArguments({ taints }, FACTS).slice(-2)).toEqual([
      "--kubelet-arg",
      "register-with-taints=a=b:NoSchedule,c:NoExecute",
    ]);
  });
});

describe("k3sEnvironment()", () => {
  test.each(["secret", "K10abc::server:def"])("hands the token %s over by its one name", (token) => {
    expect(k3sEnvironment({ serverUrl: "https://s:6443", token })).toBe(
      `K3S_URL="https://s:6443"\nK3S_TOKEN="${token}"\n`,
    );
  });

  test("is empty without settings", () => {
    expect(k3sEnvironment({ token: "" })).toBe("");
  });

  test("quotes for systemd and refuses line breaks", () => {
    expect(k3sEnvironment({ token: 'a"$`\\b' })).toBe('K3S_TOKEN="a\\"\\$\\`\\\\b"\n');
    expect(() => k3sEnvironment({ token: "a\nK3S_URL=x" })).toThrow("Found a line break");
  });
});

describe("k3sUnit()", () => {
  const facts = { binary: "/sbin/k3s", fingerprint: "1 2" };

  test("waits for the server to be ready, but not for an agent", () => {
    expect(k3sUnit(["server"], facts)).toContain("\nType=notify\n");
    expect(k3sUnit(["agent"], facts)).toContain("\nType=exec\n");
  });

  test("names the server to join to everybody, without credentials", () => {
    expect(k3sUnit(["agent"], facts, "https://me:pw@s:6443/x")).toContain(
      "\nX-K3OS-Server=https://s:6443\n\n[S",
    );
    for (const url of [undefined, "", "no URL"])
      expect(k3sUnit(["agent"], facts, url)).not.toContain("Server=");
  });

  test("is found in the journal by the names that k3s's own script gives it", () => {
    expect(k3sUnit(["server"], facts)).toContain(
      "\nLogExtraFields=OBJECT_SYSTEMD_UNIT=k3s.service OBJECT_SYSTEMD_UNIT=k3s-agent.service\n",
    );
  });

  test("quotes arguments for systemd", () => {
    const unit = k3sUnit(["server", "--a=b c", 'd"e', "50%", "$HOME", "\\"], facts);
    expect(unit).toContain('\nExecStart=/sbin/k3s server "--a=b c" "d\\"e" 50%% $$HOME "\\\\"\n');
  });

  test("refuses line breaks", () => {
    expect(() => k3sUnit(["server", "x\nExecStartPre=/bin/evil"], facts)).toThrow("Found a line break");
  });
});
