import { mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { isIPv6 } from "node:net";
import { join } from "node:path";
import { cmd } from "../../tools/host/cmd.ts";
import type { Host } from "../../tools/host/host.ts";
import { inRoot, PATH } from "../../tools/host/paths.ts";
import { hasDefaultRoute } from "../../tools/http/default-route.ts";
import { CommandError } from "../../tools/text/errors.ts";
import { type Lease, parseLease, shortIp } from "./lease.ts";
import type { LinkPlan } from "./network-plan.ts";

/** The initrd's programs, called by their one executable: links to it may be missing. */
const BUSYBOX = "/bin/busybox";
/** Milliseconds for a router to announce itself. */
const ROUTER_WAIT = 10_000;
/** Milliseconds for the router's route, once a server has given an address. */
const ROUTE_WAIT = 5_000;
const POLL = 100;

/** Number of requests to a DHCP server, and the seconds to wait for each answer. */
export interface DhcpPatience {
  readonly tries: number;
  readonly seconds: number;
}

/** An interface with an address. */
export interface Configured {
  readonly link: LinkPlan;
  /** With their prefixes. */
  readonly addresses: readonly string[];
  readonly gateway: string | undefined;
  readonly nameservers: readonly string[];
  readonly timeservers: readonly string[];
}

type NetHost = Pick<Host, "root" | "run" | "clock" | "log">;

/** Runs busybox's ip(8). */
export async function ip(argv: readonly string[], host: Pick<Host, "run">): Promise<void> {
  await host.run(cmd`${BUSYBOX} ip ${argv}`);
}

/** Gives an interface that is switched on its addresses and routes. Throws CommandError if it gets none. */
export async function configure(link: LinkPlan, patience: DhcpPatience, host: NetHost): Promise<Configured> {
  if (link.mtu !== undefined) await ip(["link", "set", "dev", link.device, "mtu", String(link.mtu)], host);
  switch (link.method) {
    case "static":
      return await applyLease(link, staticLease(link), host);
    case "dhcp":
      return await configureByDhcp(link, patience, host);
    case "auto6":
      return await configureByRouter(link, host);
    case "dhcp6": {
      if ((await waitForAddress(link.device, "link", host)) === undefined) throw silent(link, "no IPv6");
      const lease = await askDhcp("udhcpc6", link, patience, host);
      if (lease === undefined) throw silent(link, "no DHCPv6 server answered");
      const applied = await applyLease(link, lease, host);
      // a lease has no default route: it comes from a router, if there is one, and may come later
      await waitFor(() => hasDefaultRoute(inRoot(host, "/proc/net")) || undefined, ROUTE_WAIT, host);
      return applied;
    }
  }
}

function silent({ device }: LinkPlan, what: string): CommandError {
  return new CommandError(`${device}: ${what}`);
}

/** Without a DHCP answer, an IPv6 address is enough: the kernel takes it from a router's announcement. */
async function configureByDhcp(link: LinkPlan, patience: DhcpPatience, host: NetHost): Promise<Configured> {
  const lease = await askDhcp("udhcpc", link, patience, host);
  if (lease?.address !== undefined) return await applyLease(link, lease, host);
  if (addressesOf(link.device, "global", host).length > 0) return await configureByRouter(link, host);
  throw silent(link, "no DHCP server answered");
}

/** The kernel takes addresses and route from the router, but leaves the name servers to us. */
async function configureByRouter(link: LinkPlan, host: NetHost): Promise<Configured> {
  const address = await waitForAddress(link.device, "global", host);
  if (address === undefined) throw silent(link, "no IPv6 router announced itself");
  const lease = await askDhcp("udhcpc6", link, { tries: 2, seconds: 1 }, host, ["-l"]);
  return { ...configured(link, lease), addresses: addressesOf(link.device, "global", host) };
}

function staticLease({ address, gateway }: LinkPlan): Lease {
  const routes = gateway === undefined ? [] : [{ to: "default", via: gateway }];
  return { address, routes, nameservers: [], timeservers: [], mtu: undefined };
}

function configured(link: LinkPlan, lease: Lease | undefined): Configured {
  const { address, routes = [], nameservers = [], timeservers = [] } = lease ?? {};
  return {
    link,
    addresses: address === undefined ? [] : [`${address.ip}/${address.prefix}`],
    gateway: routes.find(({ to }) => to === "default")?.via,
    nameservers: [...link.nameservers, ...nameservers],
    timeservers,
  };
}

async function applyLease(link: LinkPlan, lease: Lease, host: NetHost): Promise<Configured> {
  const { device } = link;
  const { address, routes, mtu } = lease;
  if (mtu !== undefined && link.mtu === undefined) {
    await ip(["link", "set", "dev", device, "mtu", String(mtu)], host);
  }
  if (address !== undefined) {
    const broadcast = isIPv6(address.ip) || address.prefix > 30 ? [] : ["broadcast", "+"];
    await ip(["address", "add", `${address.ip}/${address.prefix}`, ...broadcast, "dev", device], host);
  }
  for (const { to, via } of routes) {
    const family = isIPv6(via ?? to) ? ["-6"] : [];
    // clouds give a single address with a gateway outside its network
    if (via !== undefined) await ip([...family, "route", "replace", via, "dev", device], host);
    const way = via === undefined ? [] : ["via", via];
    await ip([...family, "route", "replace", to, ...way, "dev", device], host);
  }
  return configured(link, lease);
}

/**
 * Asks a DHCP server once; undefined if none answers. To avoid a shell, the script that busybox calls with the answer
 * is cat. Its argument is the name of the event, which is also the name of the file to print; for a lease, this file is
 * a link to the environment of cat.
 */
async function askDhcp(
  program: "udhcpc" | "udhcpc6",
  { device, hostname }: LinkPlan,
  { tries, seconds }: DhcpPatience,
  host: NetHost,
  options: readonly string[] = [],
): Promise<Lease | undefined> {
  const events = inRoot(host, join(PATH.runtime, "dhcp"));
  makeEvents(events);
  const own = hostname === undefined ? [] : ["-x", `hostname:${hostname}`];
  const limits = ["-t", String(tries), "-T", String(seconds)];
  const argv = cmd`${BUSYBOX} ${program} -f -n -q -i ${device} -s /bin/cat ${limits}`;
  const { code, stdout, stderr } = await host.run(
    cmd`${argv} ${program === "udhcpc" ? own : []} ${options}`,
    {
      check: false,
      cwd: events,
      timeout: (tries * seconds + 30) * 1000,
    },
  );
  if (stderr !== "") host.log.debug(stderr.trim());
  return code === 0 ? parseLease(stdout) : undefined;
}

const EVENTS: Readonly<Record<string, string>> = {
  ...{ bound: "/proc/self/environ", informed: "/proc/self/environ", renew: "/proc/self/environ" },
  ...{ deconfig: "/dev/null", leasefail: "/dev/null", nak: "/dev/null" },
};

function makeEvents(directory: string): void {
  mkdirSync(directory, { recursive: true });
  for (const [name, target] of Object.entries(EVENTS)) {
    rmSync(join(directory, name), { force: true });
    symlinkSync(target, join(directory, name));
  }
}

async function waitForAddress(
  device: string,
  scope: Scope,
  host: Pick<Host, "root" | "clock">,
): Promise<string | undefined> {
  return await waitFor(() => addressesOf(device, scope, host)[0], ROUTER_WAIT, host);
}

/** Calls `look` until it returns a result, for at most `milliseconds`. */
async function waitFor<T>(
  look: () => T | undefined,
  milliseconds: number,
  host: Pick<Host, "clock">,
): Promise<T | undefined> {
  for (let waited = 0; ; waited += POLL) {
    const found = look();
    if (found !== undefined || waited >= milliseconds) return found;
    await host.clock.sleep(POLL);
  }
}

type Scope = "global" | "link";

/** The IPv6 addresses of an interface that are ready for use. */
function addressesOf(device: string, scope: Scope, host: Pick<Host, "root">): string[] {
  try {
    return parseAddresses(readFileSync(inRoot(host, "/proc/net/if_inet6"), "utf8"), device, scope);
  } catch {
    return []; // a kernel without IPv6
  }
}

const SCOPES = { global: "00", link: "20" } as const; // net/ipv6.h: IPV6_ADDR_GLOBAL is 0 here
const TENTATIVE = 0x40; // linux/if_addr.h

/** Parses /proc/net/if_inet6: address, index, prefix length, scope and flags in hexadecimal, and the interface. */
export function parseAddresses(text: string, device: string, scope: Scope): string[] {
  return text.split("\n").flatMap((line) => {
    const [address = "", , length = "", found, flags = "", name] = line.trim().split(/\s+/);
    if (name !== device || found !== SCOPES[scope]) return [];
    if ((Number.parseInt(flags, 16) & TENTATIVE) !== 0) return [];
    return [`${shortIp((address.match(/.{4}/g) ?? []).join(":"))}/${Number.parseInt(length, 16)}`];
  });
}
