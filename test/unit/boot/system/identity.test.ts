import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { hostName, persistIdentity } from "../../../../lib/boot/system/identity.ts";
import { type TestHost, testHost } from "../../../support/host.ts";

const STATE = "/var/lib/rancher/k3os";
const INITIATOR = "/var/lib/iscsi/initiatorname.iscsi";
const IMAGE = { "/etc/ssh/sshd_config": "PermitRootLogin no\n", [INITIATOR]: "GenerateName=yes\n" };

/** What is kept, and what makes a text one. */
const KEPT: Readonly<Record<string, RegExp>> = {
  [`${STATE}/machine-id`]: /^[0-9a-f]{32}\n$/,
  [`${STATE}/hostname`]: /^k3os-\d+\n$/,
  [`${STATE}/node/password`]: /^[0-9a-f]{32}\n$/,
  [INITIATOR]: /^InitiatorName=iqn\.1993-08\.org\.debian:01:[0-9a-f]{12}\n$/,
};

let host: TestHost;
beforeEach(() => {
  host = testHost({ files: IMAGE });
});
afterEach(() => host[Symbol.dispose]());

function put(path: string, text: string): void {
  mkdirSync(dirname(join(host.root, path)), { recursive: true });
  writeFileSync(join(host.root, path), text);
}
const read = (path: string) => readFileSync(join(host.root, path), "utf8");
const kept = () => Object.keys(KEPT).map(read);

/** What a boot does with the identity, /etc being new. */
async function boot(): Promise<void> {
  rmSync(join(host.root, "etc"), { recursive: true });
  put("/etc/ssh/sshd_config", IMAGE["/etc/ssh/sshd_config"]);
  await persistIdentity(host);
  hostName(host);
}

describe("persistIdentity() and hostName()", () => {
  test("make what this machine is at the first boot, without a word, and keep it", async () => {
    await boot();
    for (const [path, pattern] of Object.entries(KEPT)) expect(read(path)).toMatch(pattern);
    const modes = Object.keys(KEPT).map((path) => statSync(join(host.root, path)).mode & 0o777);
    expect(modes).toEqual([0o444, 0o644, 0o600, 0o600]);
    expect(read("/etc/machine-id")).toBe(read(`${STATE}/machine-id`));
    expect(read("/etc/hostname")).toBe(read(`${STATE}/hostname`));
    expect(readlinkSync(join(host.root, "etc/rancher/node"))).toBe(`${STATE}/node`);
    expect(readlinkSync(join(host.root, "etc/ssh"))).toBe(`${STATE}/ssh`);
    const before = kept();
    await boot();
    expect(kept()).toEqual(before);
    expect(host.logged).toEqual([]);
  });

  test.each(Object.keys(KEPT))("make a damaged %s anew, and say so", async (path) => {
    await boot();
    for (const damage of ["", "\0".repeat(33)]) {
      rmSync(join(host.root, path));
      put(path, damage);
      await boot();
      expect(read(path)).toMatch(KEPT[path] as RegExp);
    }
    const said = `Warning: "${path}" was damaged and has been recreated`;
    expect(host.logged).toEqual([said, said]);
  });

  test("give the iSCSI initiator its name back as long as the machine id stays", async () => {
    await boot();
    const before = read(INITIATOR);
    put(INITIATOR, "");
    await boot();
    expect(read(INITIATOR)).toBe(before);
  });

  test.each([
    [`${STATE}/hostname`, "by-dhcp\n"],
    [`${STATE}/node/password`, "of-the-original"],
    [INITIATOR, "# comment\nInitiatorName=iqn.2020-01.com.example:mine\n"],
  ])("leave alone a %s of others", async (path, text) => {
    put(path, text);
    await boot();
    expect(read(path)).toBe(text);
    expect(host.logged).toEqual([]);
  });

  test.each(["two words\n", "a/b\n", `${"x".repeat(65)}\n`])("take %j for no host name", async (text) => {
    put(`${STATE}/hostname`, text);
    await boot();
    expect(read("/etc/hostname")).toMatch(/^k3os-\d+\n$/);
  });

  test("take the name that the configuration has set", () => {
    put("/etc/hostname", "configured\n");
    expect(hostName(host)).toBe("configured");
    expect(existsSync(join(host.root, STATE, "hostname"))).toBe(false);
  });

  test("take away what k3s has left damaged beside its password", async () => {
    put(`${STATE}/node/id`, "\0\0\0\0");
    put(`${STATE}/node/other/file`, "");
    await boot();
    expect(existsSync(join(host.root, STATE, "node/id"))).toBe(false);
    expect(host.logged).toEqual([`Warning: "${STATE}/node/id" was damaged: k3s makes another`]);
  });

  test("keep the rest, and serve this boot, where something cannot be kept", async () => {
    put(`${STATE}/ssh`, "a file in the way");
    put(`${STATE}/hostname/x`, "a directory in the way");
    rmSync(join(host.root, "var/lib/iscsi"), { recursive: true });
    put("/var/lib/iscsi", "a file in the way");
    await boot();
    expect(read("/etc/machine-id")).toMatch(/^[0-9a-f]{32}\n$/);
    expect(read("/etc/ssh/sshd_config")).toBe(IMAGE["/etc/ssh/sshd_config"]);
    expect(readlinkSync(join(host.root, "etc/rancher/node"))).toBe(`${STATE}/node`);
    expect(read("/etc/hostname")).toMatch(/^k3os-\d+\n$/);
    expect(host.logged.map((line) => line.split(":")[0])).toEqual(["Error", "Error", "Error"]);
  });
});
