import { CommandError } from "../text/errors.ts";

export interface ConnmanAddress {
  readonly address: string;
  readonly prefix: number;
}

/** A wired interface that connman configures with our settings. connman determines undefined settings itself. */
export interface ConnmanService {
  /** The interface, by hardware address, or by name if several share the address, as VLANs do. */
  readonly match: { readonly mac: string } | { readonly device: string };
  readonly ipv4: ConnmanAddress | undefined;
  readonly gateway4: string | undefined;
  readonly ipv6: ConnmanAddress | undefined;
  readonly gateway6: string | undefined;
  readonly nameservers: readonly string[];
}

/**
 * A provisioning file: one section per interface.
 * Source: https://manpages.debian.org/trixie/connman/connman-service.config.5.en.html
 */
export function connmanConfig(
  about: { readonly name: string; readonly description: string },
  services: readonly ConnmanService[],
): string {
  const sections = services.map(({ match, ipv4, gateway4, ipv6, gateway6, nameservers }) => {
    const [id, line] =
      "mac" in match
        ? [match.mac.replaceAll(":", ""), `MAC=${match.mac}`]
        : [match.device.replace(/[^A-Za-z0-9]/g, "_"), `DeviceName=${match.device}`];
    const lines = [`[service_${id}]`, "Type=ethernet", line];
    // connman requires a gateway in every address; zeros mean none
    if (ipv4 !== undefined)
      lines.push(`IPv4=${ipv4.address}/${netmask(ipv4.prefix)}/${gateway4 ?? "0.0.0.0"}`);
    if (ipv6 !== undefined) lines.push(`IPv6=${ipv6.address}/${ipv6.prefix}/${gateway6 ?? "::"}`);
    if (nameservers.length > 0) lines.push(`Nameservers=${nameservers.join(",")}`);
    return `${lines.join("\n")}\n`;
  });
  return [`[global]\nName=${about.name}\nDescription=${about.description}\n`, ...sections].join("\n");
}

/** `/24` in the form `255.255.255.0`. */
export function netmask(prefix: number): string {
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > 32)
    throw new CommandError(`Invalid prefix "/${prefix}": expected 0 to 32`);
  return [0, 8, 16, 24].map((done) => 256 - 2 ** (8 - Math.max(0, Math.min(8, prefix - done)))).join(".");
}
