import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { addressTable, issueText } from "../../../../lib/tools/node/issue.ts";
import { PROJECT } from "../../../support/sources.ts";

/** `ip -json address` of a node, shortened. */
const IP = JSON.stringify([
  { ifname: "lo", operstate: "UNKNOWN", addr_info: [{ local: "127.0.0.1", prefixlen: 8, scope: "host" }] },
  {
    ifname: "eth0",
    operstate: "UP",
    addr_info: [
      { local: "10.0.2.15", prefixlen: 24, scope: "global" },
      { local: "fe80::1", prefixlen: 64, scope: "link" },
      { local: "2001:db8::5", prefixlen: 64, scope: "global" },
    ],
  },
  { ifname: "wlan0", operstate: "DOWN", addr_info: [] },
  { ifname: "veth12", operstate: "UP", addr_info: [] },
  { ifname: "flannel.1", operstate: "UNKNOWN", addr_info: [] },
  { ifname: "cni0", operstate: "UP", addr_info: [{ local: "10.42.0.1", prefixlen: 24, scope: "global" }] },
]);

describe("addressTable()", () => {
  test("lists the machine's own interfaces, without what Kubernetes makes", () => {
    expect(addressTable(IP).split("\n")).toEqual([
      "NIC    State  Address",
      "eth0   UP     10.0.2.15/24 2001:db8::5/64",
      "wlan0  DOWN",
      "",
    ]);
  });

  test("takes no interfaces at all", () => {
    expect(addressTable("[]")).toBe("NIC  State  Address\n");
    expect(addressTable("")).toBe("NIC  State  Address\n");
  });
});

test("issueText() puts the table before the last paragraph of the image's text", () => {
  const template = readFileSync(join(PROJECT, "overlay/etc/issue"), "utf8");
  const text = issueText(template, "NIC  State\n");
  expect(text).toStartWith(template.slice(0, template.indexOf("\n\n")));
  expect(text).toEndWith("\n\nNIC  State\n\nLog in as rancher\n\n");
});

/** How agetty(8) itself shows a file above a login; it wants a terminal, which script(1) makes. */
function shownByAgetty(file: string): string {
  const argv = [
    "--quiet",
    "--return",
    "--command",
    `agetty --show-issue --issue-file '${file}'`,
    "/dev/null",
  ];
  const { status, stdout } = spawnSync("script", argv, { encoding: "utf8" });
  expect(status).toBe(0);
  return stdout.replaceAll("\r\n", "\n");
}

test("the banner above the login looks as it is drawn", () => {
  const shown = shownByAgetty(join(PROJECT, "overlay/etc/issue")).split("\n");
  expect(shown.slice(0, 5).map((line) => line.slice(0, 22).trimEnd())).toEqual([
    " _    _____  ___  ___",
    "| | _|___ / / _ \\/ __|",
    "| |/ / |_ \\| | | \\__ \\",
    "|   < ___) | |_| |__)",
    "|_|\\_\\____/ \\___/|___/",
  ]);
  expect(shown[2]).toMatch(/ {3}\S/); // the name of the system beside it
});
