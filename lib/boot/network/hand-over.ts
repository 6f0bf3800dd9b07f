import { mkdirSync, writeFileSync } from "node:fs";
import { isIPv6 } from "node:net";
import { dirname, join } from "node:path";
import { type ConnmanService, connmanConfig } from "../../tools/node/connman-config.ts";
import type { IpWord } from "./words.ts";

/** Where connman looks for the settings, in the new root. */
const FILE_IN_ROOT = "k3os/data/var/lib/connman/boot-network.config";
const ABOUT = { name: "boot", description: "Addresses from the kernel command line" };

/**
 * The connman settings of the interfaces with fixed addresses or name servers, which connman would lose otherwise; DHCP
 * provides its own settings again. Undefined if there are no such settings, or if they name no interface.
 */
export function carriedNetwork(interfaces: readonly IpWord[]): string | undefined {
  const services = new Map<string, ConnmanService>();
  for (const { device, method, address, gateway, nameservers } of interfaces) {
    if (device === undefined || (method !== "static" && nameservers.length === 0)) continue;
    const known = services.get(device) ?? { ...NOTHING, match: { device } };
    const servers = [...new Set([...known.nameservers, ...nameservers])];
    services.set(device, { ...known, ...fixed(address, gateway), nameservers: servers });
  }
  return services.size === 0 ? undefined : connmanConfig(ABOUT, [...services.values()]);
}

const NOTHING: Omit<ConnmanService, "match"> = {
  ...{ ipv4: undefined, gateway4: undefined, ipv6: undefined, gateway6: undefined, nameservers: [] },
};

function fixed(
  address: IpWord["address"],
  gateway: string | undefined,
): Partial<Pick<ConnmanService, "ipv4" | "gateway4" | "ipv6" | "gateway6">> {
  if (address === undefined) return {};
  const { ip, prefix } = address;
  if (isIPv6(ip)) return { ipv6: { address: ip, prefix }, gateway6: gateway };
  return { ipv4: { address: ip, prefix }, gateway4: gateway };
}

/** Writes {@link carriedNetwork} to where connman finds it in a root in memory. */
export function handOverNetwork(root: string, config: string): void {
  const file = join(root, FILE_IN_ROOT);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, config, { mode: 0o600 });
}
