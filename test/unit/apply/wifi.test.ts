import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { setInSection, wifi } from "../../../lib/apply/wifi.ts";
import { testHost } from "../../support/host.ts";
import { outcome } from "../../support/outcome.ts";
import { treeOf } from "../../support/tree.ts";

const SERVICES = "/var/lib/connman/cloud-config.config";
const SETTINGS = "/var/lib/connman/settings";

describe("wifi", () => {
  test("writes the networks for connman, readable by root only", async () => {
    using host = testHost();
    const networks = [{ name: "home", passphrase: "secret" }, { name: "open" }];
    await wifi.apply({ k3os: { wifi: networks } }, host);
    expect(readFileSync(host.root + SERVICES, "utf8")).toBe(
      [
        "[global]\nName=cloud-config\nDescription=Services defined in the cloud-config\n",
        "[service_wifi0]\nType=wifi\nName=home\nPassphrase=secret\n",
        "[service_wifi1]\nType=wifi\nName=open\n",
      ].join("\n"),
    );
    expect(statSync(host.root + SERVICES).mode & 0o777).toBe(0o600);
    expect(statSync(host.root + SETTINGS).mode & 0o777).toBe(0o600);
    expect(readFileSync(host.root + SETTINGS, "utf8")).toBe("[WiFi]\nEnable=true\nTethering=false\n");
  });

  test("writes characters that key files treat specially", async () => {
    using host = testHost();
    await wifi.apply({ k3os: { wifi: [{ name: " a\\b ", passphrase: "=;#" }] } }, host);
    const text = readFileSync(host.root + SERVICES, "utf8");
    expect(text).toContain("\nName=\\sa\\\\b\\s\nPassphrase==;#\n");
  });

  test("makes settings anew of which a power cut has left nothing that connman could read", async () => {
    using host = testHost({ files: { [SETTINGS]: "\0".repeat(40) } });
    await wifi.apply({ k3os: { wifi: [{ name: "home" }] } }, host);
    expect(readFileSync(host.root + SETTINGS, "utf8")).toBe("[WiFi]\nEnable=true\nTethering=false\n");
    expect(host.logged).toContain(`Warning: "${SETTINGS}" was damaged and is recreated`);
  });

  test("changes nothing the second time", async () => {
    using host = testHost();
    const config = { k3os: { wifi: [{ name: "home" }] } };
    await wifi.apply(config, host);
    const before = treeOf(host.root);
    await wifi.apply(config, host);
    expect(treeOf(host.root)).toEqual(before);
  });

  test("forgets networks that left the configuration", async () => {
    using host = testHost();
    await wifi.apply({ k3os: { wifi: [{ name: "home" }] } }, host);
    await wifi.apply({}, host);
    expect(existsSync(host.root + SERVICES)).toBe(false);
  });

  test.each([
    ["Found a line break", { name: "a\n[service_x]" }],
    ["Found a line break", { name: "a", passphrase: "secret\nName=evil" }],
    ["found nothing, expected 1 to 32 bytes", { name: "" }],
    ["found 33 bytes", { name: "x".repeat(33) }],
  ])("leaves out a network, without showing a secret: %s", async (message, bad) => {
    using host = testHost();
    const error = await outcome(wifi, { k3os: { wifi: [bad, { name: "good" }] } }, host);
    expect(error).toContain("k3os.wifi[0]: ");
    expect(error).toContain(message);
    expect(error).not.toContain("secret");
    expect(readFileSync(host.root + SERVICES, "utf8")).toContain("[service_wifi0]\nType=wifi\nName=good\n");
  });
});

test("setInSection() keeps what connman wrote", () => {
  const text = "[global]\nOfflineMode=false\n\n[WiFi]\nEnable=false\nX=1\n\n[Wired]\nEnable=true\n";
  expect(setInSection(text, "WiFi", { Enable: "true", Tethering: "false" })).toBe(
    "[global]\nOfflineMode=false\n\n[WiFi]\nEnable=true\nX=1\nTethering=false\n\n[Wired]\nEnable=true\n",
  );
});
