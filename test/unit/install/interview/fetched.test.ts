import { describe, expect, test } from "bun:test";
import { configValidate } from "../../../../commands/config-validate.ts";
import { fetchConfig } from "../../../../lib/config/read/accept-configuration.ts";
import type { Diagnostic } from "../../../../lib/config/read/diagnostics.ts";
import { cloudConfig } from "../../../../lib/install/interview/ask-cloud-config.ts";
import { sshKeys } from "../../../../lib/install/interview/ask-ssh-keys.ts";
import type { Interview } from "../../../../lib/install/interview/step.ts";
import { type FileServer, serveFiles } from "../../../../lib/make/vm/http-server.ts";
import { parseCommandLine } from "../../../../lib/tools/cli/cli.ts";
import { messageOf } from "../../../../lib/tools/text/errors.ts";
import { type Answer, scriptedAsker } from "../../../support/asker.ts";
import { testHost } from "../../../support/host.ts";
import { makeKey } from "../../../support/ssh-key.ts";
import { facts, SETTINGS } from "../samples.ts";

const [A, B] = [makeKey("ssh-ed25519", "a"), makeKey("ssh-ed25519", "b")];

const KNOWN: Interview = {
  ...{ operation: "install", role: undefined, settings: SETTINGS, facts: facts() },
  ...{ config: { hostname: "n1" }, diagnostics: [] },
};

/** Asks one step, `URL` in the answers standing for the server. */
async function ask(
  step: typeof sshKeys,
  answers: readonly Answer[],
  server: Pick<FileServer, "port">,
  known = KNOWN,
) {
  using host = testHost();
  const url = `http://127.0.0.1:${server.port}`;
  const asker = scriptedAsker(
    answers.map((text) => (typeof text === "string" ? text.replaceAll("URL", url) : text)),
  );
  const changes = await step.ask(known, asker, host);
  expect(asker.left).toEqual([]);
  return { changes, url, shown: asker.shown.join("\n").replaceAll(url, "URL") };
}

describe("the question for keys", () => {
  test("counts what each source has", async () => {
    await using server = await serveFiles({ "/two": `${A}\n${B}\n`, "/one": A });
    const { changes, shown, url } = await ask(sshKeys, [true, "URL/two, URL/one"], server);
    expect(shown).toBe("  2 keys of URL/two\n  1 key of URL/one\n");
    expect(changes).toEqual({ config: { hostname: "n1", sshAuthorizedKeys: [`${url}/two`, `${url}/one`] } });
  });

  test("tells of a source that fails, and takes another answer", async () => {
    await using server = await serveFiles({ "/one": A });
    const { changes, shown, url } = await ask(sshKeys, [true, "URL/none", "URL/one"], server);
    expect(shown).toContain("URL/none");
    expect(shown).toContain("404");
    expect(shown).toContain("press Enter again to keep it anyway");
    expect(changes.config?.sshAuthorizedKeys).toEqual([`${url}/one`]);
  });

  test.each(["URL/none", "URL/empty", "URL/page"])("keeps %p by a second Enter", async (source) => {
    await using server = await serveFiles({ "/empty": "", "/page": "<html>\n" });
    const { changes, url } = await ask(sshKeys, [true, source, source], server);
    expect(changes.config?.sshAuthorizedKeys).toEqual([source.replace("URL", url)]);
  });

  test("may be declined", async () => {
    expect((await ask(sshKeys, [false], { port: 1 })).changes).toEqual({});
  });
});

describe("the question for a cloud-init file", () => {
  test("shows what is wrong with a file, with the place, and asks again", async () => {
    await using server = await serveFiles({ "/bad": "hostname: [a, b]\n", "/good": "hostname: n2\n" });
    const answers = [true, "URL/none", "URL/bad", "/no/such/file", " URL/good "];
    const { changes, shown, url } = await ask(cloudConfig, answers, server);
    const problems = shown.split("\nHint: ");
    expect(problems[0]).toContain("404");
    expect(shown).toContain('The configuration "URL/bad" has errors:\n  URL/bad:1:11: hostname: ');
    expect(shown).toContain('"/no/such/file": no such file');
    expect(changes.settings?.configUrl).toBe(`${url}/good`);
  });

  test("shows warnings about a file that it takes", async () => {
    await using server = await serveFiles({ "/typo": "hostnam: n2\n" });
    expect((await ask(cloudConfig, [true, "URL/typo"], server)).shown).toContain("Warning: ");
  });

  test("takes no answer for no file", async () => {
    expect((await ask(cloudConfig, [true, ""], { port: 1 })).changes).toEqual({});
    expect((await ask(cloudConfig, [false], { port: 1 })).changes).toEqual({});
  });

  test("does without one only where the running system's configuration is whole", async () => {
    const place = { source: "/k3os/system/config.yaml", line: 1 };
    const broken: Diagnostic = { severity: "error", place, path: "hostname", message: "found nonsense" };
    const known = { ...KNOWN, diagnostics: [broken] };
    await expect(ask(cloudConfig, [false], { port: 1 }, known)).rejects.toThrow("config.yaml:1: hostname");
    await using server = await serveFiles({ "/good": "hostname: n2\n" });
    expect((await ask(cloudConfig, [true, "URL/good"], server, known)).shown).toBe("");
  });
});

test("the question for a file says what `k3os config validate` and the installer say", async () => {
  const text = `hostname: a_b
ssh_authorized_keys: [ssh-rsa AAAA]
write_files: [{path: /etc/resolv.conf, content: $, encoding: b64}, {path: /etc/hosts}]
boot_cmd:
k3os: {server_url: 'http://a', k3s_args: [server, --no-deploy=a, --disabel, b], labels: {k8s.io/a: b}, wifi: [{name: a, pass: b}]}
`;
  await using server = await serveFiles({ "/c": text });
  const { shown, url } = await ask(cloudConfig, [true, "URL/c", ""], server);
  using host = testHost({ files: { "/c": text } });
  const line = parseCommandLine(configValidate, [`${host.root}/c`], {});
  expect(await configValidate.run(line, host)).toBe(1);
  const said = host.logged.map((each) => each.replaceAll(`${host.root}/c`, "URL/c").replace("Error: ", "  "));
  expect(said).toHaveLength(9);
  for (const each of said) expect(shown).toContain(each);
  const refused = await fetchConfig(`${url}/c`, host).catch(messageOf);
  expect(String(refused).replaceAll(url, "URL")).toContain(said[0] ?? "");
});
