import { describe, expect, test } from "bun:test";
import { readCmdline } from "../../../../lib/config/read/cmdline.ts";
import { parseConfigText } from "../../../../lib/config/read/parse.ts";

function read(registries: string) {
  const { config, diagnostics } = parseConfigText(`k3os: {registries: {${registries}}}\n`, "c.yaml");
  return {
    registries: config.k3os?.registries,
    messages: diagnostics.map(({ path, message }) => `${path}: ${message}`),
  };
}

describe("k3os.registries", () => {
  test("takes what k3s's own file has, also a mirror without an address", () => {
    const text = `mirrors: {docker.io: {endpoint: ["https://a:5000/v2", "b:5000"], rewrite: {"^x/(.*)": "y/$1"}}, quay.io: , "*": {}},
      configs: {"a:5000": {auth: {username: u, password: p}, tls: {insecure_skip_verify: yes}}, "[fd00::1]:5000": {auth: {identity_token: t}}}`;
    expect(read(text)).toEqual({
      registries: {
        mirrors: {
          "docker.io": { endpoint: ["https://a:5000/v2", "b:5000"], rewrite: { "^x/(.*)": "y/$1" } },
          "quay.io": {},
          "*": {},
        },
        configs: {
          "a:5000": { auth: { username: "u", password: "p" }, tls: { insecureSkipVerify: true } },
          "[fd00::1]:5000": { auth: { identityToken: "t" } },
        },
      },
      messages: [],
    });
  });

  test.each([
    [
      "mirrors: {'https://a': {}}",
      'k3os.registries.mirrors["https://a"]: found "https://a", expected the host of a registry',
    ],
    [
      "mirrors: {a: {endpoint: ['ftp://a']}}",
      "k3os.registries.mirrors.a.endpoint[0]: found no address of a registry",
    ],
    ["mirrors: {a: {endpoint: ['https://u:pw@a']}}", "found a user or password in the address"],
    ["mirrors: {a: {rewrite: {'(': b}}}", 'found "(", expected a regular expression'],
    ["mirrors: {a: [b]}", "k3os.registries.mirrors.a: found a list, expected a map"],
    ["mirrors: [a]", "k3os.registries.mirrors: found a list, expected a map of maps"],
    [
      "configs: {a: {auth: {username: u}}}",
      "k3os.registries.configs.a.auth: found only one of username and password",
    ],
    [
      "configs: {a: {tls: {cert_file: /a}}}",
      "k3os.registries.configs.a.tls: found only one of cert_file and key_file",
    ],
    ["configs: {a: {tls: {ca_file: a.pem}}}", 'found "a.pem", expected the absolute path of a file'],
    ["configs: {a: {tsl: {}}}", 'k3os.registries.configs.a.tsl: unknown key: did you mean "tls"?'],
    [
      "configs: {a: {auth: {password: [p]}}}",
      "k3os.registries.configs.a.auth.password: found a list, expected text",
    ],
  ])("refuses %s", (text, message) => {
    expect(read(text).messages.join("\n")).toContain(message);
  });

  test("never shows a password that cannot be read", () => {
    expect(
      read('configs: {a: {auth: {username: u, password: "hunter2\\nz"}}}').messages.join(),
    ).not.toContain("hunter2");
  });
});

test("k3os.k3s_config takes one value or several, as they are written", () => {
  const { config, diagnostics } = parseConfigText(
    "k3os:\n  k3s_config: {write-kubeconfig-mode: 0640, tls-san: [a, b], disable-helm-controller: yes, debug: }\n",
    "c.yaml",
  );
  expect(diagnostics).toEqual([]);
  expect(config.k3os?.k3sConfig).toEqual({
    "write-kubeconfig-mode": ["0640"],
    "tls-san": ["a", "b"],
    "disable-helm-controller": ["yes"],
    debug: [],
  });
});

test("k3os.k3s_config on the kernel command line: the words of one option are its values", () => {
  const { settings, diagnostics } = readCmdline(
    "k3os.k3s_config[tls-san]=a k3os.k3s_config.tls-san=b k3os.k3s_config[data-dir]=/d k3os.k3s_config[--x]=y",
    "cmdline",
  );
  expect(settings.map(({ value }) => value)).toEqual([{ "tls-san": ["a", "b"], "data-dir": ["/d"] }]);
  expect(diagnostics.map(({ message }) => message)).toEqual([
    'found "--x", expected the name of a k3s option without dashes, such as "tls-san"',
  ]);
});

test("k3os.registries.mirrors is refused on the kernel command line", () => {
  const { diagnostics } = readCmdline("k3os.registries.mirrors[a]=b", "cmdline");
  expect(diagnostics.map(({ message }) => message)).toEqual([
    "found on the kernel command line, expected in a file: its entries have several parts",
  ]);
});
