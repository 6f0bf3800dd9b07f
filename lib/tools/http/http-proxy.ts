import { BlockList, isIP } from "node:net";
import type { Host } from "../host/host.ts";

/**
 * The proxy for a URL by HTTP_PROXY, HTTPS_PROXY and NO_PROXY (either case), or undefined for a direct connection.
 * The rules are those of Go's net/http, which k3s itself follows on the same machine: NO_PROXY takes names (with their
 * subdomains), addresses, address ranges and `*`; loopback never has a proxy, and neither has a cloud's link-local
 * metadata address. https://pkg.go.dev/golang.org/x/net/http/httpproxy
 */
export function proxyFor(url: URL, env: Host["env"]): string | undefined {
  const name = url.protocol === "https:" ? "https_proxy" : "http_proxy";
  const proxy = env[name] || env[name.toUpperCase()];
  if (!proxy || isDirect(url, env.no_proxy || env.NO_PROXY || "")) return undefined;
  return proxy.includes("://") ? proxy : `http://${proxy}`;
}

const ALWAYS_DIRECT = "localhost,127.0.0.0/8,::1,169.254.0.0/16,fe80::/10";

/**
 * Whether a URL's server is reached by a default route: it is neither on this machine nor on a directly attached
 * network.
 */
export function needsRoute(url: URL): boolean {
  return !isDirect(url, "");
}

function isDirect(url: URL, noProxy: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, "").toLowerCase();
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return `${ALWAYS_DIRECT},${noProxy}`
    .split(",")
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => entry !== "" && matches(entry, host, port));
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === "*") return true;
  const [address = "", prefix] = entry.split("/");
  if (prefix !== undefined) return isInRange(host, address, Number(prefix));
  const withPort = /^\[?(.+?)\]?:(\d+)$/.exec(entry);
  if (withPort?.[2] !== undefined && isIP(entry) === 0) {
    return withPort[2] === port && matches(withPort[1] ?? "", host, port);
  }
  const domain = entry.replace(/^\*?\./, "");
  return host === domain || (isIP(domain) === 0 && host.endsWith(`.${domain}`));
}

function isInRange(host: string, network: string, prefix: number): boolean {
  const family = isIP(network);
  if (family === 0 || isIP(host) !== family || !(prefix >= 0 && prefix <= (family === 4 ? 32 : 128)))
    return false;
  const type = family === 4 ? "ipv4" : "ipv6";
  const list = new BlockList();
  list.addSubnet(network, prefix, type);
  return list.check(host, type);
}
