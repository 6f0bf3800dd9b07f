import { existsSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { readTextBounded } from "../tools/fs/read-bounded.ts";
import type { Host } from "../tools/host/host.ts";
import { inRoot, PATH, UNIT } from "../tools/host/paths.ts";
import { unitProperties } from "../tools/host/systemd.ts";
import { parseKubeconfig } from "../tools/kubernetes/kubeconfig.ts";
import { type K3sUnit, readK3sUnit } from "../tools/node/k3s-unit.ts";

/** Subcommands that do not need a cluster; `__complete` completes a command line. */
const LOCAL = ["completion", "config", "help", "kustomize", "options", "plugin", "__complete"];

/** Milliseconds for a connection to the API server of this node. */
const REACH = 1_000;

/** What decides whether kubectl can work with the kubeconfig of this node. */
export interface KubectlFacts {
  readonly unit: K3sUnit | undefined;
  readonly kubeconfig: "readable" | "unreadable" | "missing";
  /** The state of the service, such as `activating`; undefined if it is unknown. */
  readonly state: string | undefined;
  /** The API server of this node does not accept connections, for this reason. */
  readonly silent: string | undefined;
}

/**
 * The reason why kubectl cannot reach a cluster from this node, in one line; undefined if nothing is known to prevent
 * it. Calls that choose their own cluster, or need none, have no obstacle.
 */
export async function findObstacle(
  argv: readonly string[],
  host: Pick<Host, "root" | "run" | "env">,
): Promise<string | undefined> {
  if (isLocal(argv) || choosesCluster(argv, host)) return undefined;
  return describeObstacle(await readFacts(host));
}

/** Whether the call needs no cluster: help, completion, and the like. */
export function isLocal(argv: readonly string[]): boolean {
  const [word] = argv;
  if (word === undefined || LOCAL.includes(word)) return true;
  const options = argv.includes("--") ? argv.slice(0, argv.indexOf("--")) : argv;
  return options.some((option) => ["--help", "-h", "--client", "--client=true"].includes(option));
}

/** Whether the user names a cluster: by an option, a variable, or a kubeconfig in the home directory. */
export function choosesCluster(argv: readonly string[], { root, env }: Pick<Host, "root" | "env">): boolean {
  if (argv.some((word) => /^(--kubeconfig|--server)(=|$)|^-s/.test(word))) return true;
  if (env.KUBECONFIG) return true;
  return env.HOME !== undefined && existsSync(inRoot({ root }, join(env.HOME, ".kube/config")));
}

export function describeObstacle({ unit, kubeconfig, state, silent }: KubectlFacts): string | undefined {
  if (kubeconfig === "readable" && silent === undefined) return undefined;
  if (unit === undefined) return undefined;
  if (unit.role === "agent" && kubeconfig !== "readable") {
    const server = unit.joins === undefined ? "its server" : `the server, ${unit.joins}`;
    return `This node is an agent and has no kubeconfig: run kubectl on ${server}`;
  }
  if (kubeconfig === "unreadable") {
    return `"${PATH.adminKubeconfig}" is not readable for this user: run sudo kubectl`;
  }
  const reason = silent === undefined ? "has not written its kubeconfig yet" : `does not answer (${silent})`;
  return `k3s ${reason}, it is ${state ?? "in an unknown state"}: see journalctl -u k3s`;
}

async function readFacts(host: Pick<Host, "root" | "run">): Promise<KubectlFacts> {
  const unit = readK3sUnit(host);
  const [kubeconfig, text] = readKubeconfig(inRoot(host, PATH.adminKubeconfig));
  const address = text === undefined ? undefined : apiAddress(text);
  const silent = address === undefined ? undefined : await silence(address);
  if (unit === undefined || (kubeconfig === "readable" && silent === undefined)) {
    return { unit, kubeconfig, state: undefined, silent };
  }
  const properties = await unitProperties(UNIT.k3s, ["ActiveState"], host).catch(() => undefined);
  return { unit, kubeconfig, state: properties?.get("ActiveState"), silent };
}

function readKubeconfig(path: string): [KubectlFacts["kubeconfig"], text?: string] {
  try {
    return ["readable", readTextBounded(path)];
  } catch (error) {
    return [(error as NodeJS.ErrnoException).code === "ENOENT" ? "missing" : "unreadable"];
  }
}

/** The address in a kubeconfig; undefined if it has none. */
export function apiAddress(kubeconfig: string): { host: string; port: number } | undefined {
  try {
    const url = new URL(parseKubeconfig(kubeconfig, () => "").server);
    return { host: url.hostname.replace(/^\[|\]$/g, ""), port: Number(url.port || 443) };
  } catch {
    return undefined; // kubectl reports a kubeconfig that is not one
  }
}

/** Why an address does not accept a connection; undefined if it does. */
async function silence(address: { host: string; port: number }): Promise<string | undefined> {
  return await new Promise((resolve) => {
    const socket = connect(address, () => end(undefined));
    const end = (problem: string | undefined) => {
      socket.destroy();
      resolve(problem);
    };
    socket.setTimeout(REACH, () => end(`no connection within ${REACH / 1000} s`));
    socket.on("error", ({ code, message }: NodeJS.ErrnoException) => end(code ?? message));
  });
}
