import { readFileSync } from "node:fs";

/** Whether this machine has a default route, so that a connection may succeed; true if /proc cannot tell. */
export function hasDefaultRoute(proc = "/proc/net"): boolean {
  const [ipv4, ipv6] = [read(`${proc}/route`), read(`${proc}/ipv6_route`)];
  if (ipv4 === undefined) return true;
  return hasDefaultIpv4(ipv4) || hasDefaultIpv6(ipv6 ?? "");
}

/** /proc/net/route: interface, destination, gateway, flags, … and the mask in the eighth field. */
function hasDefaultIpv4(table: string): boolean {
  const rows = table.split("\n").map((line) => line.split("\t"));
  return rows.some((row) => row[1] === "00000000" && row[7] === "00000000");
}

/**
 * /proc/net/ipv6_route: destination, its prefix length in hex, … and the interface last; `lo` has the refused routes.
 */
function hasDefaultIpv6(table: string): boolean {
  const rows = table.split("\n").map((line) => line.trim().split(/\s+/));
  return rows.some((row) => /^0{32}$/.test(row[0] ?? "") && row[1] === "00" && row.at(-1) !== "lo");
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // no /proc, or no IPv6
  }
}
