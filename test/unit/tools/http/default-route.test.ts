import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasDefaultRoute } from "../../../../lib/tools/http/default-route.ts";

const HEADER = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
const DEFAULT = "eth0\t00000000\t0202000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n";
const LOCAL = "eth0\t0002000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";
/** The half of all addresses, as VPNs have it. */
const HALF = "tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000080\t0\t0\t0\n";
const ZERO = "0".repeat(32);
const REFUSED = `${ZERO} 00 ${ZERO} 00 ${ZERO} ffffffff 00000001 00000000 00200200       lo\n`;
const DEFAULT_6 = `${ZERO} 00 ${ZERO} 00 fe80${"0".repeat(27)}2 00000400 00000001 00000000 00000003     eth0\n`;

function routes(files: Readonly<Record<string, string>>): boolean {
  const directory = mkdtempSync(join(tmpdir(), "k3os-routes-"));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
    return hasDefaultRoute(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe("hasDefaultRoute()", () => {
  test.each([
    ["a default route", { route: HEADER + LOCAL + DEFAULT, ipv6_route: REFUSED }, true],
    ["one of IPv6 only", { route: HEADER + LOCAL, ipv6_route: REFUSED + DEFAULT_6 }, true],
    ["only its own network", { route: HEADER + LOCAL, ipv6_route: REFUSED }, false],
    ["only half of all addresses", { route: HEADER + HALF }, false],
    ["no interface at all", { route: HEADER, ipv6_route: "" }, false],
    ["a kernel without IPv6", { route: HEADER }, false],
    ["no /proc", {}, true],
  ] as const)("with %s", (_, files, expected) => {
    expect(routes(files)).toBe(expected);
  });
});
