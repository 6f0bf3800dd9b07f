import { existsSync } from "node:fs";
import { readTextIfThere } from "../fs/read-bounded.ts";
import type { Host } from "../host/host.ts";
import { inRoot, PATH } from "../host/paths.ts";
import { fetchResponse, type HttpResponse } from "../http/http.ts";
import { type Kubeconfig, readKubeconfig } from "./kubeconfig.ts";
import { KubernetesError, kindOfStatus } from "./kubernetes-error.ts";
import { nodeRole } from "./node-role.ts";

export type KubernetesHost = Pick<Host, "root" | "log" | "clock" | "env">;

/** `admin` may do everything, `kubelet` what concerns its own node. */
export type Identity = "admin" | "kubelet";

export interface ApiRequest {
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Of the body; default `application/json`, for PATCH `application/merge-patch+json`. */
  readonly contentType?: string;
  /** Milliseconds for everything; default 30 s, since a server that has just started is slow. */
  readonly timeout?: number;
}

export type ApiMethod = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** The Kubernetes API, asked with one identity of this node. */
export interface KubernetesApi {
  /** `pod`: a service account, which may do what roles say. */
  readonly identity: Identity | "pod";
  /** The URL of the server that is asked first: of an agent, its local load balancer. */
  readonly server: string | undefined;
  /**
   * The JSON answer to a request, or the text of one that is not JSON (`/readyz`); `path` begins with a slash. Never
   * retried. Throws KubernetesError.
   * https://kubernetes.io/docs/reference/using-api/api-concepts/
   */
  request<T = unknown>(method: ApiMethod, path: string, request?: ApiRequest): Promise<T>;
}

/** The kubeconfigs of an identity, the preferred one first. */
const KUBECONFIGS: Readonly<Record<Identity, readonly string[]>> = {
  admin: [PATH.adminKubeconfig, PATH.keptAdminKubeconfig],
  kubelet: [PATH.kubeletKubeconfig],
};

const TIMEOUT = 30_000;

/**
 * Opens the API with the node's own identity: the administrator's on a server, the kubelet's on an agent, or the given
 * one. Undefined if k3s has not written a kubeconfig for it. Throws for one that cannot be read.
 */
export function openKubernetes(
  host: KubernetesHost,
  identity: Identity = nodeRole(host) === "server" ? "admin" : "kubelet",
): KubernetesApi | undefined {
  const path = kubeconfigOf(identity, host);
  if (path === undefined) return undefined;
  const config = readKubeconfig(path, host);
  const servers = [config.server, ...(identity === "kubelet" ? joinedServer(host) : [])];
  return apiAt(servers, { identity, config }, host);
}

/** {@link openKubernetes} at one of several servers; `server` is its URL. */
export function openKubernetesAt(
  server: string,
  host: KubernetesHost,
  identity: Identity,
): KubernetesApi | undefined {
  const path = kubeconfigOf(identity, host);
  if (path === undefined) return undefined;
  const config = readKubeconfig(path, host);
  return apiAt([server], { identity, config }, host);
}

/** What Kubernetes gives to each container of a pod. */
const POD = "/var/run/secrets/kubernetes.io/serviceaccount";

/**
 * Opens the API with the service account of the pod that this program runs in; undefined outside of one.
 * https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
 */
export function openKubernetesInPod(host: KubernetesHost): KubernetesApi | undefined {
  const { KUBERNETES_SERVICE_HOST: address, KUBERNETES_SERVICE_PORT: port = "443" } = host.env;
  const [token, ca] = ["token", "ca.crt"].map((name) => readTextIfThere(inRoot(host, `${POD}/${name}`)));
  if (address === undefined || token === undefined) return undefined;
  const server = `https://${address.includes(":") ? `[${address}]` : address}:${port}`;
  const config = { server, ca, identity: undefined, token: token.trim() };
  return apiAt([server], { identity: "pod", config }, host);
}

function kubeconfigOf(identity: Identity, host: Pick<Host, "root">): string | undefined {
  return KUBECONFIGS[identity].find((file) => existsSync(inRoot(host, file)));
}

function apiAt(
  servers: readonly string[],
  { identity, config }: { readonly identity: Identity | "pod"; readonly config: Kubeconfig },
  host: KubernetesHost,
): KubernetesApi {
  return {
    identity,
    server: servers[0],
    request: (method, resource, request = {}) => ask(servers, config, { method, resource, ...request }, host),
  };
}

/**
 * The server that the agent joins, for when the load balancer in its k3s does not run. It is read from the environment
 * of the service, because the kubeconfig only names the load balancer.
 */
function joinedServer(host: Pick<Host, "root">): readonly string[] {
  const url = /^K3S_URL="([^"\\]+)"$/m.exec(readTextIfThere(inRoot(host, PATH.k3sEnvironment)) ?? "")?.[1];
  return url === undefined ? [] : [url];
}

interface Question extends ApiRequest {
  readonly method: ApiMethod;
  readonly resource: string;
}

/** Asks the servers in turn until one answers, whatever it answers. */
async function ask<T>(
  servers: readonly string[],
  config: Kubeconfig,
  question: Question,
  host: KubernetesHost,
): Promise<T> {
  let last: unknown;
  for (const server of servers) {
    let answer: HttpResponse;
    try {
      answer = await send(server, config, question, host);
    } catch (cause) {
      last ??= cause;
      continue;
    }
    return read<T>(answer, question);
  }
  throw new KubernetesError("unreachable", "The Kubernetes API does not answer", { cause: last });
}

function send(
  server: string,
  { ca, identity, token }: Kubeconfig,
  { method, resource, body, contentType, timeout = TIMEOUT }: Question,
  host: KubernetesHost,
): Promise<HttpResponse> {
  const usual = method === "PATCH" ? "application/merge-patch+json" : "application/json";
  return fetchResponse(
    `${server.replace(/\/$/, "")}${resource}`,
    {
      method,
      headers: {
        accept: "application/json",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "content-type": contentType ?? usual }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(ca === undefined ? {} : { ca, onlyCa: true }),
      ...(identity === undefined ? {} : { identity }),
      timeout,
      deadline: timeout,
      retries: 0,
      anyStatus: true,
      followRedirects: false,
    },
    host,
  );
}

function read<T>({ status, body }: HttpResponse, { method, resource }: Question): T {
  const text = body.toString("utf8");
  const answer = parseJson(text);
  if (status >= 200 && status <= 299) return (answer ?? text) as T;
  const message = (answer as { readonly message?: unknown } | undefined)?.message;
  const reason = typeof message === "string" ? message : text.trim().slice(0, 2000);
  throw new KubernetesError(
    kindOfStatus(status),
    `The Kubernetes API answered ${method} ${resource} with status ${status}${reason === "" ? "" : `: ${reason}`}`,
    { status },
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether an error means that the API could not be asked at all. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof KubernetesError && error.kind === "unreachable";
}
