import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { sshKeys } from "../../../lib/apply/authorize-ssh-keys.ts";
import { testHost } from "../../support/host.ts";
import { serveLoopback } from "../../support/loopback.ts";
import { outcome } from "../../support/outcome.ts";
import { treeOf } from "../../support/tree.ts";

const A = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl a";
const B = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJm b";
const C = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJn c";
const FILE = "/home/rancher/.ssh/authorized_keys";

function hostWithUser(files: Readonly<Record<string, string>> = {}) {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  const passwd = `rancher2:x:9:9::/home/other:/bin/sh\nrancher:x:${uid}:${gid}::/home/rancher:/bin/bash\n`;
  return testHost({ files: { "/etc/passwd": passwd, ...files } });
}

type Host = ReturnType<typeof testHost>;

function applyKeys(sshAuthorizedKeys: readonly string[], network: boolean, host: Host): Promise<string> {
  return outcome(sshKeys({ network }), { sshAuthorizedKeys }, host);
}

function keysIn(host: Host): string[] {
  return readFileSync(host.root + FILE, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
}

describe("ssh_authorized_keys", () => {
  test("makes directory and file, for the user only", async () => {
    using host = hostWithUser();
    expect(await applyKeys([A, B], false, host)).toBe("");
    expect(keysIn(host)).toEqual([A, B]);
    expect(statSync(`${host.root}/home/rancher/.ssh`).mode & 0o7777).toBe(0o700);
    expect(statSync(host.root + FILE).mode & 0o7777).toBe(0o600);
  });

  test("keeps keys of others, in their order, and never glues two together", async () => {
    using host = hostWithUser({ [FILE]: `${C} mine` });
    await applyKeys([A, C], true, host);
    expect(keysIn(host)).toEqual([`${C} mine`, A, C]);
  });

  test("leaves out what a power cut has left of lines, and tells of it", async () => {
    using host = hostWithUser({ [FILE]: `${C}\n\0\0\0\0` });
    await applyKeys([A], false, host);
    expect(readFileSync(host.root + FILE, "latin1")).not.toContain("\0");
    expect(keysIn(host)).toEqual([C, A]);
    expect(host.logged.join()).toContain(`Warning: "${FILE}" was damaged`);
  });

  test("removes a key that left the configuration", async () => {
    using host = hostWithUser({ [FILE]: `${C}\n` });
    await applyKeys([A, B], true, host);
    await applyKeys([B], true, host);
    expect(keysIn(host)).toEqual([C, B]);
    await applyKeys([], true, host);
    expect(readFileSync(host.root + FILE, "utf8")).toBe(`${C}\n`);
  });

  test.each([
    ["nothing", ""],
    ["blank lines", "\n\n"],
    ["a comment", "# no keys\n"],
    ["a page", "<html>log in first</html>\n"],
  ])("keeps the last key that lets anybody in when its source answers with %s", async (_, later) => {
    using host = hostWithUser();
    let body = `${A}\n`;
    await using server = await serveLoopback((_request, response) => response.end(body));
    await applyKeys([server.origin], true, host);
    body = later;
    await applyKeys([server.origin], true, host);
    expect(keysIn(host)).toEqual([A]);
    // and it is given up once there is another way in
    await applyKeys([server.origin, B], true, host);
    expect(keysIn(host)).toEqual(later.startsWith("<") ? [A, B] : [B]);
  });

  test("keeps the last keys of a cloud that answers without any", async () => {
    using host = hostWithUser({ "/run/config/provider": "AWS" });
    const config = { k3os: { dataSources: ["aws"] } };
    await outcome(sshKeys({ network: true }), { ...config, sshAuthorizedKeys: [A] }, host);
    await outcome(sshKeys({ network: true }), config, host);
    expect(keysIn(host)).toEqual([A]);
    // without a cloud it is the user who took the key out of the configuration
    await outcome(sshKeys({ network: true }), {}, host);
    expect(keysIn(host)).toEqual([]);
  });

  test("takes the keys of an empty source back where a key of the user's is left", async () => {
    using host = hostWithUser({ [FILE]: `${C}\n` });
    let body = `${A}\n`;
    await using server = await serveLoopback((_request, response) => response.end(body));
    await applyKeys([server.origin], true, host);
    body = "";
    await applyKeys([server.origin], true, host);
    expect(keysIn(host)).toEqual([C]);
  });

  test("changes nothing the second time, nor where there is nothing to do", async () => {
    using host = hostWithUser();
    await applyKeys([], false, host);
    await applyKeys([], true, host);
    expect(Object.keys(treeOf(host.root))).toEqual(["/etc/passwd"]);
    await applyKeys([A], true, host);
    const before = treeOf(host.root);
    await applyKeys([A], true, host);
    expect(treeOf(host.root)).toEqual(before);
  });

  test("fetches from a URL, with the network only", async () => {
    using host = hostWithUser();
    await using server = await serveLoopback((_, response) => response.end(`# keys\n${A}\nrubbish\n`));
    await applyKeys([server.origin, B], false, host);
    expect(server.requests).toHaveLength(0);
    expect(keysIn(host)).toEqual([B]);
    await applyKeys([server.origin, B], true, host);
    expect(keysIn(host).sort()).toEqual([A, B].sort());
  });

  test("fetches through the configured proxy", async () => {
    using host = hostWithUser();
    await using proxy = await serveLoopback((_, response) => response.end(A));
    const k3os = { environment: { http_proxy: proxy.origin } };
    await sshKeys({ network: true }).apply({ k3os, sshAuthorizedKeys: ["http://keys.invalid/"] }, host);
    expect(keysIn(host)).toEqual([A]);
  });

  test("keeps the last keys of a source while it is unreachable, and drops them when it says so", async () => {
    using host = hostWithUser();
    let answer = { status: 200, text: A };
    await using server = await serveLoopback((_, response) => {
      response.writeHead(answer.status).end(answer.text);
    });
    await applyKeys([server.origin], true, host);
    for (const bad of [
      { status: 500, text: "" },
      { status: 404, text: "not here" },
      { status: 200, text: "<html>please log in</html>" },
    ]) {
      answer = bad;
      expect(await applyKeys([server.origin], true, host)).toStartWith("ssh_authorized_keys[0]: ");
      expect(keysIn(host)).toEqual([A]);
    }
    expect(await applyKeys([server.origin], false, host)).toBe("");
    expect(keysIn(host)).toEqual([A]);
    answer = { status: 200, text: "" };
    expect(await applyKeys([server.origin, B], true, host)).toBe("");
    expect(keysIn(host)).toEqual([B]);
  });

  test("keeps the keys that a cloud gave until it has answered in this boot", async () => {
    using host = hostWithUser();
    const k3os = { dataSources: ["aws"] };
    await sshKeys({ network: true }).apply({ k3os, sshAuthorizedKeys: [A, B] }, host);
    await sshKeys({ network: false }).apply({ k3os, sshAuthorizedKeys: [A] }, host);
    await sshKeys({ network: true }).apply({ k3os, sshAuthorizedKeys: [A] }, host);
    expect(keysIn(host)).toEqual([A, B]);
    mkdirSync(`${host.root}/run/config`, { recursive: true });
    await sshKeys({ network: true }).apply({ k3os, sshAuthorizedKeys: [A] }, host);
    expect(keysIn(host)).toEqual([A]);
  });

  test("goes on after a bad entry, and names it", async () => {
    using host = hostWithUser();
    expect(await applyKeys(["no key", A], true, host)).toStartWith(
      "ssh_authorized_keys[0]: found no ssh public key",
    );
    expect(keysIn(host)).toEqual([A]);
  });

  test("shows no password of a URL", async () => {
    using host = hostWithUser();
    const message = await applyKeys(["http://user:secret@127.0.0.1:1/keys"], true, host);
    expect(message).toContain("http://***@127.0.0.1:1/keys");
    expect(message + readFileSync(host.root + FILE, "utf8") + host.logged.join()).not.toContain("secret");
  });

  test("does not follow a link that the user put in its place", async () => {
    using host = hostWithUser();
    mkdirSync(`${host.root}/home/rancher`, { recursive: true });
    mkdirSync(`${host.root}/target`);
    symlinkSync("../../target", `${host.root}/home/rancher/.ssh`);
    expect(await applyKeys([A], true, host)).toContain("expected a directory");
    expect(Object.keys(treeOf(`${host.root}/target`))).toEqual([]);
  });

  test("finds the user by its whole name", async () => {
    using host = testHost({ files: { "/etc/passwd": "rancher2:x:9:9::/home/other:/bin/sh\n" } });
    expect(await applyKeys([A], true, host)).toBe('Unknown user "rancher": not in /etc/passwd');
  });
});
