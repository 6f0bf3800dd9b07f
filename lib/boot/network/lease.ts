import { isIP, isIPv4, isIPv6 } from "node:net";
import type { Address } from "./words.ts";

/** A route to a network: through a gateway, or directly on the link. */
export interface Route {
  /** `default`, or an address with its prefix. */
  readonly to: string;
  readonly via: string | undefined;
}

/**
 * The settings that a DHCP server gives. Values that are no addresses are left out: anyone on the network may have sent
 * them.
 */
export interface Lease {
  readonly address: Address | undefined;
  readonly routes: readonly Route[];
  readonly nameservers: readonly string[];
  readonly timeservers: readonly string[];
  readonly mtu: number | undefined;
}

/**
 * Reads the settings that udhcpc or udhcpc6 passes to its script in the environment: `NAME=VALUE` ended by NUL, as in
 * /proc/self/environ. Undefined if there is no lease.
 */
export function parseLease(environment: string): Lease | undefined {
  const values = new Map(
    environment.split("\0").map((entry): [string, string] => {
      const at = entry.indexOf("=");
      return [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
  if (!values.has("interface")) return undefined;
  const list = (name: string) => (values.get(name) ?? "").split(" ").filter((text) => text !== "");
  const { ip, ipv6 = "" } = { ip: values.get("ip") ?? "", ipv6: values.get("ipv6") };
  const mtu = Number(values.get("mtu"));
  return {
    address: isIPv4(ip) ? { ip, prefix: prefix(values.get("mask"), 32) } : addressV6(ipv6),
    routes: routes(list("staticroutes"), list("router")),
    nameservers: servers(list("dns")),
    timeservers: servers(list("ntpsrv")),
    mtu: mtu >= 576 && mtu <= 65_535 ? mtu : undefined, // the minimum of IPv4 is 576 (RFC 791)
  };
}

function addressV6(ip: string): Address | undefined {
  return isIPv6(ip) ? { ip: shortIp(ip), prefix: 128 } : undefined;
}

/** An address in its usual form: busybox and the kernel write all zeros of IPv6. */
export function shortIp(ip: string): string {
  return isIPv6(ip) ? new URL(`http://[${ip}]`).hostname.slice(1, -1) : ip;
}

function servers(texts: readonly string[]): string[] {
  return texts.filter((text) => isIP(text) !== 0).map(shortIp);
}

function prefix(text: string | undefined, most: number): number {
  return text !== undefined && /^\d+$/.test(text) && Number(text) <= most ? Number(text) : most;
}

/** If a server gives classless routes, its gateway option is ignored: RFC 3442. */
function routes(classless: readonly string[], gateways: readonly string[]): Route[] {
  const found: Route[] = [];
  for (let at = 0; at + 1 < classless.length; at += 2) {
    const [destination = "", gateway = ""] = classless.slice(at, at + 2);
    const [network = "", length] = destination.split("/");
    if (!isIPv4(network) || !isIPv4(gateway)) continue;
    const to = destination === "0.0.0.0/0" ? "default" : `${network}/${prefix(length, 32)}`;
    found.push({ to, via: gateway === "0.0.0.0" ? undefined : gateway });
  }
  if (found.length > 0) return found;
  const [first] = gateways.filter((gateway) => isIPv4(gateway));
  return first === undefined ? [] : [{ to: "default", via: first }];
}
