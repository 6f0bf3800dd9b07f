import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readConfig } from "../../../lib/config/read/read.ts";
import { installedConfig } from "../../../lib/install/installed-config.ts";
import { serveFiles } from "../../../lib/make/vm/http-server.ts";
import { messageOf } from "../../../lib/tools/text/errors.ts";
import { testHost } from "../../support/host.ts";

const CMDLINE = "/proc/cmdline";

async function configured(cmdline: string, url?: string) {
  using host = testHost({ files: { [CMDLINE]: cmdline } });
  return await installedConfig(url, await readConfig(host), host);
}

async function failure(action: Promise<unknown>): Promise<string> {
  return await action.then(
    () => "no failure",
    (error: unknown) => messageOf(error),
  );
}

describe("installedConfig()", () => {
  test("is that of the running system without its install section", async () => {
    const config = await configured("quiet k3os.token=T hostname=n1 k3os.install.device=/dev/vda");
    expect(config?.content).toBe("hostname: n1\nk3os:\n  token: T\n");
  });

  test("is nothing where only the installer is configured", async () => {
    expect(await configured("quiet k3os.install.device=/dev/vda k3os.mode=install")).toBeUndefined();
  });

  test("is byte for byte what the URL holds", async () => {
    const text = "# mine\r\nhostname: n2\n";
    await using server = await serveFiles({ "/c.yaml": text });
    const config = await configured("k3os.token=T", `http://127.0.0.1:${server.port}/c.yaml`);
    expect(config?.content.toString()).toBe(text);
  });

  test("is also read from a file", async () => {
    using host = testHost();
    const path = join(host.root, "c.yaml");
    writeFileSync(path, "hostname: n3\n");
    expect((await configured("", path))?.content.toString()).toBe("hostname: n3\n");
  });

  test("fails for a URL that answers with an error, saying which", async () => {
    await using server = await serveFiles({});
    const url = `http://127.0.0.1:${server.port}/c.yaml`;
    const message = await failure(configured("", url));
    expect(message).toStartWith(`Fetching the configuration "${url}": `);
    expect(message).toContain("404");
  });

  test.each([
    ["an error page", "<html>not found</html>", "found a text, expected a map"],
    ["broken YAML", "hostname: [a\n", ":"],
    ["a wrong value", "ssh_authorized_keys: {a: b}\n", "ssh"],
  ])("fails for %s, with the place", async (_, text, why) => {
    await using server = await serveFiles({ "/c": text });
    const url = `http://127.0.0.1:${server.port}/c`;
    const message = await failure(configured("", url));
    expect(message).toStartWith(`The configuration "${url}" has errors:\n  ${url}:`);
    expect(message).toContain(why);
  });

  test("fails for a broken source of the running system rather than lose it", async () => {
    using host = testHost({ files: { "/var/lib/rancher/k3os/config.yaml": "hostname: [a\n" } });
    const message = await failure(installedConfig(undefined, await readConfig(host), host));
    expect(message).toStartWith("The configuration of the running system has errors:");
  });
});
