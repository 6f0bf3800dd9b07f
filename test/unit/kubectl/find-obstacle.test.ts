import { describe, expect, test } from "bun:test";
import { createServer } from "node:net";
import {
  apiAddress,
  choosesCluster,
  describeObstacle,
  findObstacle,
  isLocal,
  type KubectlFacts,
} from "../../../lib/kubectl/find-obstacle.ts";
import { PATH } from "../../../lib/tools/host/paths.ts";
import { testHost } from "../../support/host.ts";

const SERVER: KubectlFacts = {
  unit: { role: "server", joins: undefined },
  kubeconfig: "readable",
  state: "active",
  silent: undefined,
};
const AGENT: KubectlFacts = {
  ...SERVER,
  unit: { role: "agent", joins: "https://s:6443" },
  kubeconfig: "missing",
};

function unit(args: string): Record<string, string> {
  return { "/etc/systemd/system/k3s-service.service": `[Service]\nExecStart=/sbin/k3s ${args}\n` };
}

function kubeconfig(port: number): string {
  return `apiVersion: v1\nclusters:\n- cluster:\n    server: https://127.0.0.1:${port}\n  name: default\n`;
}

describe("describeObstacle()", () => {
  test("knows none on a server that answers, nor where k3s is not configured", () => {
    expect(describeObstacle(SERVER)).toBeUndefined();
    expect(describeObstacle({ ...SERVER, unit: undefined, kubeconfig: "missing" })).toBeUndefined();
  });

  test("names the server on an agent", () => {
    expect(describeObstacle(AGENT)).toBe(
      "This node is an agent and has no kubeconfig: run kubectl on the server, https://s:6443",
    );
    expect(describeObstacle({ ...AGENT, unit: { role: "agent", joins: undefined } })).toEndWith(
      "run kubectl on its server",
    );
  });

  test("says in one line that a server is not up yet", () => {
    expect(describeObstacle({ ...SERVER, kubeconfig: "missing", state: "activating" })).toBe(
      "k3s has not written its kubeconfig yet, it is activating: see journalctl -u k3s",
    );
    expect(describeObstacle({ ...SERVER, silent: "ECONNREFUSED", state: "failed" })).toBe(
      "k3s does not answer (ECONNREFUSED), it is failed: see journalctl -u k3s",
    );
  });

  test("sends a user without the right to read the kubeconfig to sudo", () => {
    expect(describeObstacle({ ...SERVER, kubeconfig: "unreadable" })).toContain("run sudo kubectl");
  });
});

describe("isLocal()", () => {
  test.each([[[]], [["completion", "bash"]], [["version", "--client"]], [["get", "--help"]]])(
    "%p",
    (argv) => {
      expect(isLocal(argv)).toBe(true);
    },
  );

  test.each([[["get", "nodes"]], [["version"]], [["exec", "pod", "--", "ls", "--help"]]])(
    "not %p",
    (argv) => {
      expect(isLocal(argv)).toBe(false);
    },
  );
});

describe("choosesCluster()", () => {
  test("is decided by option, variable or home", () => {
    using host = testHost({ files: { "/home/rancher/.kube/config": "" } });
    expect(choosesCluster(["get", "nodes"], { ...host, env: { HOME: "/root" } })).toBe(false);
    expect(choosesCluster(["get", "nodes"], { ...host, env: { HOME: "/home/rancher" } })).toBe(true);
    expect(choosesCluster(["get", "nodes"], { ...host, env: { KUBECONFIG: "/x" } })).toBe(true);
    for (const argv of [["--kubeconfig", "x"], ["--kubeconfig=x"], ["--server=x"], ["-s", "x"]]) {
      expect(choosesCluster(["get", "nodes", ...argv], host)).toBe(true);
    }
  });
});

describe("apiAddress()", () => {
  test("is that of the first cluster", () => {
    expect(apiAddress(kubeconfig(6443))).toEqual({ host: "127.0.0.1", port: 6443 });
    expect(apiAddress(kubeconfig(6443).replace("127.0.0.1", "[::1]"))).toEqual({ host: "::1", port: 6443 });
  });

  test("is unknown of anything else", () => {
    for (const text of ["", "clusters: []", "{"]) expect(apiAddress(text)).toBeUndefined();
  });
});

describe("findObstacle()", () => {
  test("asks the service manager only where something is wrong", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    using host = testHost({
      files: { ...unit("server"), [PATH.adminKubeconfig]: kubeconfig(port) },
      answer: () => ({ stdout: "ActiveState=activating\n" }),
    });
    expect(await findObstacle(["get", "nodes"], host)).toBeUndefined();
    expect(host.programs).toEqual([]);
    await new Promise((resolve) => server.close(resolve));
    expect(await findObstacle(["get", "nodes"], host)).toBe(
      "k3s does not answer (ECONNREFUSED), it is activating: see journalctl -u k3s",
    );
    expect(await findObstacle(["version", "--client"], host)).toBeUndefined();
  });

  test("needs nothing but the unit on an agent", async () => {
    using host = testHost({ files: unit("agent --server https://s:6443") });
    expect(await findObstacle(["get", "nodes"], host)).toContain("https://s:6443");
  });
});
