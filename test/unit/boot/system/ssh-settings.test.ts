import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isPrivateKey, KEPT_SSH, keepSshSettings } from "../../../../lib/boot/system/ssh-settings.ts";
import { PATH } from "../../../../lib/tools/host/paths.ts";
import { type TestHost, testHost } from "../../../support/host.ts";

const SERVER = `${KEPT_SSH}/sshd_config`;
const MARK = `${KEPT_SSH}/.shipped`;
const KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn==\n-----END OPENSSH PRIVATE KEY-----\n";
const OLD = "Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin no\n";
const NEW = "PermitRootLogin no\nMaxAuthTries 5\n";

let host: TestHost;
beforeEach(() => {
  host = testHost({ answer: () => ({ stdout: "ssh-ed25519 AAAA\n" }) });
  mkdirSync(join(host.root, PATH.localState), { recursive: true });
});
afterEach(() => host[Symbol.dispose]());

function put(path: string, text: string): void {
  mkdirSync(dirname(join(host.root, path)), { recursive: true });
  writeFileSync(join(host.root, path), text);
}
const read = (path: string) => readFileSync(join(host.root, path), "utf8");

/** What a boot of a release does whose image has this sshd_config. */
async function boot(server: string): Promise<void> {
  put("/etc/ssh/sshd_config", server);
  put("/etc/ssh/moduli", "moduli\n");
  await keepSshSettings(host);
}

describe("keepSshSettings()", () => {
  test("keeps what the image brings, and its settings alone without what they include", async () => {
    await boot(OLD);
    expect([read(SERVER), read(`${KEPT_SSH}/moduli`)]).toEqual([OLD, "moduli\n"]);
    expect(read(PATH.imageSshd)).toBe("PermitRootLogin no\n");
    expect(host.logged).toEqual([]);
  });

  test("follows the image while nobody has edited the settings", async () => {
    for (const server of [OLD, NEW, OLD]) {
      await boot(server);
      expect(read(SERVER)).toBe(server);
    }
    expect(host.logged).toEqual([]);
  });

  test("keeps edited settings over all releases", async () => {
    await boot(OLD);
    put(SERVER, "PermitRootLogin yes\n");
    for (const server of [OLD, NEW, OLD]) await boot(server);
    expect(read(SERVER)).toBe("PermitRootLogin yes\n");
  });

  test("follows the image, forth and back, after a power cut between the note and the settings", async () => {
    await boot(OLD);
    await boot(NEW);
    const both = [OLD, NEW].map((text) => `${createHash("sha256").update(text).digest("hex")}\n`).join("");
    expect(both).toEndWith(read(MARK));
    for (const cut of [OLD, NEW]) {
      for (const release of [OLD, NEW]) {
        put(MARK, both);
        put(SERVER, cut);
        await boot(release);
        expect(read(SERVER)).toBe(release);
      }
    }
  });

  test.each([
    ["an empty", ""],
    ["a lost", "\0".repeat(80)],
  ])("puts the image's in the place of %s file, and says so", async (_, damage) => {
    await boot(OLD);
    for (const name of ["sshd_config", "moduli", ".shipped"]) put(`${KEPT_SSH}/${name}`, damage);
    await boot(OLD);
    expect([read(SERVER), read(`${KEPT_SSH}/moduli`)]).toEqual([OLD, "moduli\n"]);
    expect(read(MARK)).toMatch(/^[0-9a-f]{64}\n$/);
    expect(host.logged.map((line) => line.split(": ")[0])).toEqual(["Warning", "Warning"]);
    await boot(NEW);
    expect(read(SERVER)).toBe(NEW);
  });

  test("takes away damaged host keys, and makes damaged public ones anew", async () => {
    const file = (name: string) => `${KEPT_SSH}/ssh_host_${name}`;
    for (const [name, text] of [
      ["ed25519_key", "\0".repeat(411)],
      ["ed25519_key.pub", "ssh-ed25519 OLD\n"],
      ["ecdsa_key", KEY],
      ["ecdsa_key.pub", ""],
      ["rsa_key", KEY],
      ["rsa_key.pub", "ssh-rsa KEPT\n"],
    ] as const)
      put(file(name), text);
    await boot(OLD);
    expect(existsSync(join(host.root, file("ed25519_key")))).toBe(false);
    expect(existsSync(join(host.root, file("ed25519_key.pub")))).toBe(false);
    expect([read(file("ecdsa_key")), read(file("ecdsa_key.pub"))]).toEqual([KEY, "ssh-ed25519 AAAA\n"]);
    expect([read(file("rsa_key")), read(file("rsa_key.pub"))]).toEqual([KEY, "ssh-rsa KEPT\n"]);
    expect(host.programs.map(({ argv }) => argv.slice(0, 2))).toEqual([["ssh-keygen", "-y"]]);
    expect(host.logged.filter((line) => line.startsWith("Warning:"))).toHaveLength(2);
  });

  test("does not offer damaged settings that it cannot replace", async () => {
    put(SERVER, "");
    await expect(keepSshSettings(host)).rejects.toThrow();
    put("/etc/ssh/sshd_config", "");
    await expect(keepSshSettings(host)).rejects.toThrow("is damaged");
  });
});

test.each([
  [KEY, true],
  [`a comment\n${KEY}`, true],
  [KEY.replace("b3", "\0\0"), false],
  [KEY.slice(0, 60), false],
  ["garbage", false],
  ["", false],
])("isPrivateKey() of %j is %j", (text, isOne) => {
  expect(isPrivateKey(text)).toBe(isOne);
});
