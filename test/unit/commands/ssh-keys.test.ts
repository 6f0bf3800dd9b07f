import { describe, expect, test } from "bun:test";
import { sshKeysApply } from "../../../commands/ssh-keys-apply.ts";
import { sshKeysFetch } from "../../../commands/ssh-keys-fetch.ts";
import { parseCommandLine } from "../../../lib/tools/cli/cli.ts";
import { type TestHost, testHost } from "../../support/host.ts";
import { serveLoopback } from "../../support/loopback.ts";
import { treeOf } from "../../support/tree.ts";

const A = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl a";
const B = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJm b";
const CONFIG = "/k3os/system/config.yaml";
const FILE = "/home/rancher/.ssh/authorized_keys";

function run(command: typeof sshKeysFetch, argv: readonly string[], host: TestHost): Promise<number> {
  return command.run(parseCommandLine(command, argv, {}), host);
}

describe("k3os ssh-keys fetch", () => {
  test("prints each key once, one a line", async () => {
    using host = testHost();
    await using server = await serveLoopback((_, response) =>
      response.end(`# mine\r\n${A}\r\nrubbish\r\n${B}`),
    );
    expect(await run(sshKeysFetch, [A, server.origin], host)).toBe(0);
    expect(host.printed.join("")).toBe(`${A}\n${B}\n`);
  });

  test("prints what it got although a source failed, and exits with 1", async () => {
    using host = testHost();
    await using server = await serveLoopback((_, response) => response.writeHead(404).end());
    const failing = server.origin.replace("//", "//user:secret@");
    expect(await run(sshKeysFetch, [failing, "ftp://example.com/keys", A], host)).toBe(1);
    expect(host.printed.join("")).toBe(`${A}\n`);
    const errors = host.logged.filter((line) => line.startsWith("Error: "));
    expect(errors[0]).toContain("the server answered with status 404");
    expect(errors[1]).toStartWith('Error: ftp://example.com/keys: found the scheme "ftp"');
    expect(host.logged.join()).not.toContain("secret");
  });

  test("goes through the proxy of the environment, or of the configuration before it", async () => {
    await using proxy = await serveLoopback((_, response) => response.end(A));
    for (const setting of [
      { env: { http_proxy: proxy.origin } },
      { env: { http_proxy: "http://127.0.0.1:1" }, http_proxy: proxy.origin },
    ]) {
      const config = `k3os: {environment: ${JSON.stringify({ http_proxy: setting.http_proxy })}}\n`;
      using host = testHost({ files: { [CONFIG]: config }, env: setting.env });
      expect(await run(sshKeysFetch, ["http://keys.invalid/me"], host)).toBe(0);
    }
    expect(proxy.requests.map(({ url }) => url)).toEqual([
      "http://keys.invalid/me",
      "http://keys.invalid/me",
    ]);
  });

  test("wants a source", async () => {
    using host = testHost();
    await expect(run(sshKeysFetch, [], host)).rejects.toThrow("Missing argument SOURCE");
  });
});

/** What is written for real is tested as root, in test/system. */
describe("k3os ssh-keys apply", () => {
  function hostWith(config: string): TestHost {
    const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
    const passwd = `rancher:x:${uid}:${gid}::/home/rancher:/bin/bash\n`;
    return testHost({ files: { "/etc/passwd": passwd, [CONFIG]: config } });
  }

  test("exits with 1 if a source failed", async () => {
    using host = hostWith(`ssh_authorized_keys: ["http://127.0.0.1:1/", "${B}"]\n`);
    expect(await run(sshKeysApply, ["--dry-run"], host)).toBe(1);
    expect(host.logged).toContain(`Would write "${FILE}"`);
    expect(host.logged.join("\n")).toMatch(
      /Error: Cannot apply ssh_authorized_keys\[0\]: .*connection refused \(\d+ tries/,
    );
  });

  test("--dry-run changes nothing", async () => {
    using host = hostWith(`ssh_authorized_keys: ["${B}"]\n`);
    const before = treeOf(host.root);
    expect(await run(sshKeysApply, ["--dry-run"], host)).toBe(0);
    expect(treeOf(host.root)).toEqual(before);
    expect(host.logged).toContain(`Would write "${FILE}"`);
  });
});
