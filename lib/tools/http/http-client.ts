import { rootCertificates } from "node:tls";
import type { buildConnector, Dispatcher } from "undici";
import { readTextIfThere } from "../fs/read-bounded.ts";
import type { Host } from "../host/host.ts";
import { VERSION } from "../host/version.ts";
import { HttpError, TryError, transportFailure } from "./http-error.ts";
import { needsRoute, proxyFor } from "./http-proxy.ts";
import { loadUndici } from "./http-undici.ts";
import { downgradeError, isDowngrade, maskUrl } from "./http-url.ts";

export interface ClientOptions {
  /** PEM certificates to trust in addition to the system's and the built-in ones. */
  readonly ca?: string | undefined;
  /** Local port; some clouds only answer privileged ports. */
  readonly localPort?: number | undefined;
  /** The interface for link-local addresses. */
  readonly zone?: string | undefined;
  /** Our own certificate and its key, for a server that asks for them. */
  readonly identity?: TlsIdentity | undefined;
  /** Trust only `ca`, as the clients of a cluster do. */
  readonly onlyCa?: boolean | undefined;
}

/** PEM. */
export interface TlsIdentity {
  /** The certificate, then those of the authorities between it and one that the server knows. */
  readonly cert: string;
  readonly key: string;
}

export interface Request {
  readonly method: "GET" | "PUT" | "POST" | "PATCH" | "DELETE" | "HEAD";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | undefined;
  readonly signal: AbortSignal;
  /** Further statuses that throw a TryError. */
  readonly tryAgain?: readonly number[] | undefined;
  /** Return the response whatever its status, with its body. Default: throw for all but 2xx. */
  readonly anyStatus?: boolean | undefined;
  /** Default true; otherwise a redirect is returned as the response. */
  readonly followRedirects?: boolean | undefined;
  /** Follow a redirect from https to http. Default: throw an HttpError. */
  readonly plainRedirects?: boolean | undefined;
}

/** The head of a response, with its unread body. */
export interface Reply {
  /** The final URL after redirects. */
  readonly url: URL;
  readonly status: number;
  /** By lower-case name; repeated headers are joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Buffer>;
}

export interface Client extends AsyncDisposable {
  /** Throws TryError if a retry may help, otherwise HttpError. */
  send(url: URL, request: Request): Promise<Reply>;
}

/** A connector that adds the zone, which a URL cannot contain, to the addresses that need one. */
function zoned(connector: buildConnector.connector, zone: string | undefined): buildConnector.connector {
  if (zone === undefined) return connector;
  return (target, done) => {
    const hostname = /^fe80:/i.test(target.hostname) ? `${target.hostname}%${zone}` : target.hostname;
    return connector({ ...target, hostname }, done);
  };
}

const MAX_REDIRECTS = 10;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const TRY_AGAIN = new Set([408, 425, 429]);

/**
 * Opens a client for one download: its connections close with it. It follows redirects itself. undici's interceptor
 * (7.30) passes the caller's headers, all but three, to every server, and they may include a cloud's token; it sends
 * all requests through the proxy of the first one; and it cannot refuse a redirect from https to http.
 */
export async function openClient(options: ClientOptions, host: Pick<Host, "env" | "log">): Promise<Client> {
  const { Agent, buildConnector, ProxyAgent } = await loadUndici();
  const dispatchers = new Map<string, Dispatcher>();

  /** One dispatcher per proxy (or none) and scheme; certificates are only read on use. */
  const dispatcherFor = (url: URL): Dispatcher => {
    const proxy = proxyFor(url, host.env);
    const key = `${url.protocol} ${proxy ?? ""}`;
    const known = dispatchers.get(key);
    if (known !== undefined) return known;
    const secure = url.protocol === "https:" || proxy?.startsWith("https:");
    const ca = secure ? trustedRoots(options, host.env) : undefined;
    const connect = {
      timeout: 0, // the signal of the attempt ends it
      ...(ca === undefined ? {} : { ca: [...ca] }),
      ...options.identity,
      ...(options.localPort === undefined ? {} : { localPort: options.localPort }),
    };
    const limits = { headersTimeout: 0, bodyTimeout: 0, connect };
    const made =
      proxy === undefined
        ? new Agent({ ...limits, connect: zoned(buildConnector(connect), options.zone) })
        : // plain http is sent to a proxy without CONNECT: few proxies allow it to port 80
          new ProxyAgent({
            ...limits,
            uri: proxy,
            proxyTunnel: false,
            requestTls: connect,
            proxyTls: connect,
          });
    dispatchers.set(key, made);
    return made;
  };

  const sendOnce = async (url: URL, message: Request) => {
    try {
      return await connectAndSend(url, message);
    } catch (error) {
      if (message.signal.aborted) throw error;
      throw transportFailure(error, { routed: needsRoute(new URL(proxyFor(url, host.env) ?? url)) });
    }
  };

  const connectAndSend = async (url: URL, message: Request) => {
    const pending = dispatcherFor(url).request({
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method: message.method,
      headers: message.headers,
      ...(message.body === undefined ? {} : { body: message.body }),
      signal: message.signal,
    });
    // undici only heeds the signal once connected: a host that drops packets would never end
    const answer = await Promise.race([pending, whenAborted(message.signal)]);
    answer.body.on("error", () => undefined); // the reader gets it; an unread body may fail
    return answer;
  };

  return {
    send: async (first, message) => {
      let url = first;
      const own = joinHeaders(message.headers); // by lower-case name: a default is replaced, not added
      let headers = { ...defaultHeaders(first), ...own };
      for (let redirects = 0; ; redirects++) {
        const answer = await sendOnce(url, { ...message, headers });
        const { statusCode: status } = answer;
        const isRedirect = REDIRECTS.has(status);
        if (!isRedirect || message.followRedirects === false) {
          const plain = joinHeaders(answer.headers);
          if (isRedirect || message.anyStatus || (status >= 200 && status <= 299))
            return { url, status, headers: plain, body: answer.body };
          answer.body.destroy();
          throw statusFailure(status, plain, message.tryAgain ?? []);
        }
        answer.body.destroy();
        if (redirects === MAX_REDIRECTS)
          throw new HttpError(`more than ${MAX_REDIRECTS} redirects`, { status });
        const next = redirectTarget(url, status, joinHeaders(answer.headers).location);
        if (next.origin !== url.origin) headers = { ...defaultHeaders(next), ...rangeHeaders(own) };
        if (isDowngrade(url.href, next.href)) {
          if (!message.plainRedirects) throw downgradeError(url.href, next.href);
          host.log.warn(`"${maskUrl(url.href)}" redirects to the unencrypted "${maskUrl(next.href)}"`);
        }
        url = next;
      }
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...dispatchers.values()].map((dispatcher) => dispatcher.destroy()));
    },
  };
}

/** Rejects when the signal is aborted. */
function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

function defaultHeaders(url: URL): Record<string, string> {
  const headers = { "user-agent": `k3os/${VERSION}`, "accept-encoding": "identity" };
  if (url.username === "" && url.password === "") return headers;
  const secret = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return { ...headers, authorization: `Basic ${Buffer.from(secret).toString("base64")}` };
}

/**
 * The headers to send to another server after a redirect: the caller's headers may contain secrets for the first one.
 */
function rangeHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const kept = Object.entries(headers).filter(([name]) => name === "range" || name === "if-range");
  return Object.fromEntries(kept);
}

function joinHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string> {
  const joined = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value ?? "")]);
  return Object.fromEntries(joined) as Record<string, string>;
}

function redirectTarget(from: URL, status: number, location: string | undefined): URL {
  if (location === undefined) throw new HttpError(`status ${status} without a new location`, { status });
  const next = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (next?.protocol === "http:" || next?.protocol === "https:") return next;
  throw new HttpError(`refused to follow the redirect to "${maskUrl(location)}": not http or https`, {
    status,
  });
}

function statusFailure(
  status: number,
  headers: Readonly<Record<string, string>>,
  tryAgain: readonly number[],
): Error {
  const text = `the server answered with status ${status}`;
  if (status < 500 && !TRY_AGAIN.has(status) && !tryAgain.includes(status))
    return new HttpError(text, { status });
  return new TryError(text, { status, retryAfter: parseRetryAfter(headers) });
}

/**
 * The server's delay before a retry, in milliseconds. A given time is compared with the server's clock: ours may be
 * wrong.
 */
function parseRetryAfter({
  date = "",
  "retry-after": value = "",
}: Readonly<Record<string, string>>): number | undefined {
  const wait = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.parse(date);
  return wait > 0 ? wait : undefined;
}

const SYSTEM_ROOTS = "/etc/ssl/certs/ca-certificates.crt";

/** The built-in roots, the system's and the given ones; undefined if there are only built-in ones. */
function trustedRoots(
  { ca: extra, onlyCa = false }: Pick<ClientOptions, "ca" | "onlyCa">,
  env: Host["env"],
): readonly string[] | undefined {
  if (onlyCa) return extra === undefined ? undefined : [extra];
  const file = env.SSL_CERT_FILE || SYSTEM_ROOTS;
  const system = readTextIfThere(file) ?? "";
  if (system === "" && extra === undefined) return undefined;
  const found = `${system}\n${extra ?? ""}`.match(
    /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g,
  );
  return [...new Set([...rootCertificates.map((root) => root.trim()), ...(found ?? [])])];
}
