import { existsSync, readFileSync } from "node:fs";
import { cmd } from "../tools/host/cmd.ts";
import type { Host } from "../tools/host/host.ts";
import { inRoot } from "../tools/host/paths.ts";
import { type ConnmanAddress, connmanConfig } from "../tools/node/connman-config.ts";

/** The network settings of the running system for the new one. */
export interface CopiedNetwork {
  /** A provisioning file of connman for the interfaces with fixed addresses; undefined if all come from DHCP. */
  readonly config: string | undefined;
  /** One line per interface for the user. */
  readonly summary: readonly string[];
  /** Settings that cannot be copied; without them the machine would be unreachable. */
  readonly problems: readonly string[];
}

/** The file in the new system, in connman's directory. */
export const NETWORK_FILE = "/var/lib/connman/copied-network.config";

const COPIED = { name: "copied", description: "Addresses of the system that was here before" };

/** An interface with its fixed addresses. */
export interface FixedInterface {
  readonly name: string;
  readonly mac: string;
  readonly ipv4: ConnmanAddress | undefined;
  readonly gateway4: string | undefined;
  readonly ipv6: ConnmanAddress | undefined;
  readonly gateway6: string | undefined;
  /** Settings that connman does not support. */
  readonly problems: readonly string[];
}

/** Reads the fixed addresses and name servers of the running system; DHCP will assign its own again. */
export async function copyNetwork(host: Pick<Host, "root" | "run">): Promise<CopiedNetwork> {
  const json = async (...argv: string[]): Promise<unknown> => {
    const { stdout } = await host.run(cmd`ip -json ${argv}`);
    return JSON.parse(stdout === "" ? "[]" : stdout);
  };
  const interfaces = fixedInterfaces({
    addresses: (await json("address", "show")) as readonly RawInterface[],
    routes4: (await json("-4", "route", "show", "default")) as readonly RawRoute[],
    routes6: (await json("-6", "route", "show", "default")) as readonly RawRoute[],
  });
  const nameservers = readNameservers(host);
  const services = interfaces.map(({ mac, ...rest }) => ({ ...rest, match: { mac }, nameservers }));
  return {
    config: services.length === 0 ? undefined : connmanConfig(COPIED, services),
    summary: interfaces.length === 0 ? ["DHCP, as now"] : interfaces.map(describe),
    problems: interfaces.flatMap(({ problems }) => problems),
  };
}

/** `ip -json address`, with the fields used here. */
export interface RawInterface {
  readonly ifname: string;
  readonly address?: string;
  readonly link_type?: string;
  readonly addr_info: readonly {
    readonly family: string;
    readonly local: string;
    readonly prefixlen: number;
    readonly scope: string;
    /** It has a lifetime: DHCP or a router assigned it. */
    readonly dynamic?: boolean;
  }[];
}

/** `ip -json route`. */
export interface RawRoute {
  readonly dst: string;
  readonly gateway?: string;
  readonly dev?: string;
}

/** Created by programs of the old system, not by hardware. */
const VIRTUAL = /^(br-|cni|docker|flannel|lo$|tap|tun|veth|virbr)/;

/** The ethernet interfaces with fixed global addresses, and their gateways. */
export function fixedInterfaces(found: {
  readonly addresses: readonly RawInterface[];
  readonly routes4: readonly RawRoute[];
  readonly routes6: readonly RawRoute[];
}): FixedInterface[] {
  return found.addresses.flatMap(({ ifname: name, address: mac, link_type: type, addr_info: all }) => {
    const fixed = all.filter(({ scope, dynamic }) => scope === "global" && dynamic !== true);
    if (type !== "ether" || mac === undefined || fixed.length === 0 || VIRTUAL.test(name)) return [];
    const family = (required: string) => fixed.filter(({ family: each }) => each === required).map(toAddress);
    const way = (routes: readonly RawRoute[]) => routes.find(({ dev }) => dev === name)?.gateway;
    const [ipv4, ...more4] = family("inet");
    const [ipv6, ...more6] = family("inet6");
    const gateway4 = way(found.routes4);
    const problems = [...more4, ...more6].map(
      ({ address }) =>
        `"${name}" has another address, "${address}": --copy-network carries over one of a kind`,
    );
    if (ipv4 !== undefined && gateway4 !== undefined && !isWithin(gateway4, ipv4)) {
      problems.push(
        `"${name}" has a gateway outside of its network, "${gateway4}": --copy-network cannot keep it`,
      );
    }
    return [{ name, mac, ipv4, gateway4, ipv6, gateway6: way(found.routes6), problems }];
  });
}

function toAddress({ local, prefixlen }: RawInterface["addr_info"][number]): ConnmanAddress {
  return { address: local, prefix: prefixlen };
}

function isWithin(gateway: string, { address, prefix }: ConnmanAddress): boolean {
  const bits = (ip: string) => ip.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const network = (ip: string) => Math.floor(bits(ip) / 2 ** (32 - prefix));
  return network(gateway) === network(address);
}

/**
 * The actual name servers of the system: for local stubs, such as systemd-resolved's, these are the upstream servers.
 * Source: https://www.freedesktop.org/software/systemd/man/latest/systemd-resolved.service.html
 */
function readNameservers(host: Pick<Host, "root">): string[] {
  for (const path of ["/run/systemd/resolve/resolv.conf", "/etc/resolv.conf"]) {
    const file = inRoot(host, path);
    if (!existsSync(file)) continue;
    const servers = [...readFileSync(file, "utf8").matchAll(/^nameserver\s+(\S+)/gm)].map(
      ([, server = ""]) => server,
    );
    const real = servers.filter(
      (server) => !server.startsWith("127.") && server !== "::1" && !server.includes("%"),
    );
    if (real.length > 0) return real;
  }
  return [];
}

function describe({ name, ipv4, gateway4, ipv6, gateway6 }: FixedInterface): string {
  const one = (ip: ConnmanAddress | undefined, gateway: string | undefined): string[] =>
    ip === undefined ? [] : [`${ip.address}/${ip.prefix}${gateway === undefined ? "" : ` by ${gateway}`}`];
  return `${name}: ${[...one(ipv4, gateway4), ...one(ipv6, gateway6)].join(", ")}`;
}
