import { lookup } from "node:dns/promises";
import { connect as connectPlain } from "node:net";
import { hostname } from "node:os";
import { connect } from "node:tls";
import { readConfig } from "../../config/read/read.ts";
import { inRoot } from "../../tools/host/paths.ts";
import { hasDefaultRoute } from "../../tools/http/default-route.ts";
import { messageOf } from "../../tools/text/errors.ts";
import { defineCheck, type Verdict } from "../doctor-check.ts";
import type { InspectHost } from "../node-facts.ts";

export const hostName = defineCheck({
  name: "host name",
  only: "k3OS",
  facts: () => hostname(),
  judge: judgeHostName,
});

/** Default names from images and installers: two nodes of the same name cannot be in one cluster. */
const COMMON_NAMES = ["localhost", "localhost.localdomain", "debian", "k3os", "linux", "(none)"];

/**
 * A node name in Kubernetes is a subdomain of RFC 1123; the kubelet converts it to lower case.
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names
 */
export function judgeHostName(name: string): Verdict {
  const hint = "set hostname";
  const isValid = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i.test(name);
  if (!isValid)
    return { state: "failure", message: `"${name}" cannot be the name of a node (RFC 1123)`, hint };
  if (COMMON_NAMES.includes(name)) {
    return { state: "warning", message: `"${name}" may also be the name of other nodes`, hint };
  }
  return { state: "ok", message: name };
}

export const defaultRoute = defineCheck({
  name: "default route",
  facts: (host) => hasDefaultRoute(inRoot(host, "/proc/net")),
  judge: (found): Verdict =>
    found
      ? { state: "ok", message: "there" }
      : { state: "failure", message: "missing", hint: "ip address; ip route; connmanctl services" },
});

/** The name to resolve if there is no server to join: the host of releases and many images. */
const USUAL_NAME = "github.com";

export const nameResolution = defineCheck({
  name: "name resolution",
  facts: async (host) => {
    const name = (await serverUrl(host))?.hostname ?? USUAL_NAME;
    const problem = await lookup(name.replace(/^\[|\]$/g, "")).then(() => undefined, messageOf);
    return { name, problem };
  },
  judge: judgeResolution,
});

export function judgeResolution(found: { name: string; problem: string | undefined }): Verdict {
  const { name, problem } = found;
  if (problem === undefined) return { state: "ok", message: `${name} has an address` };
  const state = name === USUAL_NAME ? "warning" : "failure"; // a cluster may work without the Internet
  return { state, message: `${name}: ${problem}`, hint: "set k3os.dns_nameservers; see /etc/resolv.conf" };
}

/** Milliseconds for a connection to a port. */
const REACH = 5_000;

export const joinedServer = defineCheck({
  name: "server",
  only: "k3OS",
  facts: async (host) => {
    const url = await serverUrl(host);
    if (url === undefined) return undefined;
    const port = Number(url.port || 443);
    const problem = await answers({ host: url.hostname.replace(/^\[|\]$/g, ""), port }, "tls");
    return { origin: url.origin, problem };
  },
  judge: ({ origin, problem }): Verdict =>
    problem === undefined
      ? { state: "ok", message: `${origin} answers` }
      : {
          state: "failure",
          message: `${origin} does not answer: ${problem}`,
          hint: "check that server and the network path to it; k3os.server_url names it",
        },
});

/** The configured server to join; undefined if there is none, or if it is not a URL. */
async function serverUrl(host: Pick<InspectHost, "root">): Promise<URL | undefined> {
  const url = (await readConfig(host)).config.k3os?.serverUrl ?? "";
  return URL.canParse(url) ? new URL(url) : undefined;
}

/**
 * Why a port does not answer, not even with TLS; undefined if it answers. The certificate is not verified: k3s
 * identifies it by the token.
 */
export async function answers(
  to: { readonly host: string; readonly port: number },
  how: "tcp" | "tls",
  patience = REACH,
): Promise<string | undefined> {
  return await new Promise((resolve) => {
    const done = () => end(undefined);
    const socket =
      how === "tcp" ? connectPlain(to, done) : connect({ ...to, rejectUnauthorized: false }, done);
    const end = (problem: string | undefined) => {
      socket.destroy();
      resolve(problem);
    };
    socket.setTimeout(patience, () => end(`no answer within ${patience / 1000} s`));
    socket.on("error", (error: Error) => end(error.message));
  });
}
