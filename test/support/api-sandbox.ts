import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { k3sCachePath } from "../../lib/make/image/k3s-cache.ts";
import { type RunResult, runProgram } from "../../lib/tools/host/host.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import { STABLE_K3S } from "../../lib/tools/release/k3s-release.ts";
import { kubeconfigText } from "./api-server.ts";

/** The k3s that the tests use, if there is one in the cache of downloads. */
export const K3S_PROGRAM = k3sCachePath(STABLE_K3S, hostTarget().arch, process.env);

/** The API server of a real k3s, without nodes, in a network namespace of its own. */
export interface ApiSandbox extends AsyncDisposable {
  /** The directory of k3s's data. */
  readonly data: string;
  /** Runs kubectl as the administrator, or with the kubeconfig in that file. */
  kubectl(argv: readonly string[], options?: { input?: string; kubeconfig?: string }): Promise<RunResult>;
  /** Writes a kubeconfig with the identity of the kubelet of that node, and returns its path. */
  kubelet(node: string): string;
}

/** k3s asks for a route to find its own address. */
const SETUP = `
set -e
ip link set lo up
ip link add v0 type veth peer name v1
ip addr add 10.99.0.1/24 dev v0
ip link set v0 up
ip link set v1 up
ip route add default via 10.99.0.254
exec "$@"
`;

const SECONDS = 180;

/** Starts the API server and waits until it is ready. Needs root and {@link K3S_PROGRAM}. */
export async function openApiSandbox(): Promise<ApiSandbox> {
  if (!existsSync(K3S_PROGRAM)) throw new Error(`No k3s in "${K3S_PROGRAM}"`);
  await using scope = new AsyncDisposableStack();
  const data = mkdtempSync(join(tmpdir(), "k3os-api-"));
  scope.defer(() => rmSync(data, { recursive: true, force: true }));
  const kubeconfig = join(data, "kubeconfig");
  const parts = ["agent", "cloud-controller", "helm-controller", "network-policy", "scheduler"];
  const args = [
    ...["server", `--data-dir=${data}`, `--write-kubeconfig=${kubeconfig}`, "--node-ip=10.99.0.1"],
    ...["--disable=coredns,servicelb,traefik,local-storage,metrics-server", "--token=token"],
    ...parts.map((part) => `--disable-${part}`),
  ];
  const server = spawn("unshare", ["--net", "sh", "-c", SETUP, "sh", K3S_PROGRAM, ...args], {
    stdio: "ignore",
    env: { ...process.env, K3S_DATA_DIR: data },
  });
  const ended = new Promise((resolve) => server.once("exit", resolve));
  scope.defer(async () => {
    server.kill();
    await ended;
  });
  const kubectl: ApiSandbox["kubectl"] = async (argv, options = {}) => {
    const argv0 = ["nsenter", `--target=${server.pid}`, "--net", K3S_PROGRAM, "kubectl"];
    const env = { K3S_DATA_DIR: data, KUBECONFIG: options.kubeconfig ?? kubeconfig };
    const input = options.input === undefined ? {} : { input: options.input };
    return await runProgram([...argv0, ...argv], { check: false, env, ...input });
  };
  for (let left = SECONDS; ; left--) {
    const { code, stderr } = await kubectl(["get", "--raw", "/readyz"]);
    if (code === 0) break;
    if (left === 0 || server.exitCode !== null) throw new Error(`The API server is not ready: ${stderr}`);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  const kept = scope.move();
  return {
    data,
    kubectl,
    kubelet: (node) => writeKubelet(node, data),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** A certificate as the server signs it for the kubelet of a node that joins. */
function writeKubelet(node: string, data: string): string {
  const tls = join(data, "server/tls");
  const [cert, key, path] = ["crt", "key", "kubeconfig"].map((end) => join(data, `${node}.${end}`)) as [
    string,
    string,
    string,
  ];
  const argv = [
    ...["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-x509", "-days", "2"],
    ...["-CA", join(tls, "client-ca.crt"), "-CAkey", join(tls, "client-ca.key")],
    ...["-subj", `/O=system:nodes/CN=system:node:${node}`, "-addext", "extendedKeyUsage=clientAuth"],
    ...["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", key, "-out", cert],
  ];
  execFileSync("openssl", argv, { stdio: "pipe" });
  const ca = { path: join(tls, "server-ca.crt") };
  writeFileSync(
    path,
    kubeconfigText("https://127.0.0.1:6443", { ca, cert: { path: cert }, key: { path: key } }),
  );
  return path;
}
