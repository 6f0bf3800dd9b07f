import { expect, test } from "bun:test";
import { parseDocument } from "yaml";
import { parseConfigText } from "../../../../lib/config/read/parse.ts";
import type { CloudConfig } from "../../../../lib/config/schema/schema.ts";
import { configJson, configYaml } from "../../../../lib/config/write/dump.ts";
import { randomFrom } from "../../../support/random.ts";

test("configYaml() is sorted snake case without install, and leaves the keys of maps alone", () => {
  const yaml = configYaml({
    runCmd: ["b", "a"],
    hostname: "node",
    k3os: {
      serverUrl: "https://x",
      environment: { no_proxy: "b", HTTP_PROXY: "a" },
      labels: { camelCase: "yes", "a.b/C": "0644" },
      install: { silent: true },
    },
  });
  expect(yaml).toBe(`hostname: node
k3os:
  environment:
    HTTP_PROXY: a
    no_proxy: b
  labels:
    a.b/C: "0644"
    camelCase: "yes"
  server_url: https://x
run_cmd:
- b
- a
`);
});

test.each([
  ["a\nb", "|-\n  a\n  b\n"],
  ["#!/bin/sh\n\n\tx\n", "|\n  #!/bin/sh\n\n  \tx\n"],
  ["a \nb", '"a \\nb"\n'],
  [" a\nb", '" a\\nb"\n'],
  ["a\n\n", '"a\\n\\n"\n'],
  ["a\r\nb", '"a\\r\\nb"\n'],
  ["echo hi, you: all", '"echo hi, you: all"\n'],
  ["echo hi", "echo hi\n"],
  ["https://x:6443/a?b", '"https://x:6443/a?b"\n'],
  ["https://x:6443/a", "https://x:6443/a\n"],
  ["a#b", '"a#b"\n'],
  ["8.8.8.8", '"8.8.8.8"\n'],
  ["", '""\n'],
])("configYaml() writes %p as %p", (text, yaml) => {
  expect(configYaml({ runCmd: [text] })).toBe(`run_cmd:\n- ${yaml}`);
});

test("configYaml() of nothing, or of install only, is an empty map", () => {
  expect(configYaml({})).toBe("{}\n");
  expect(configYaml({ k3os: { install: { device: "/dev/vda" } } })).toBe("{}\n");
});

test("configJson() is one line of camel case, always with install", () => {
  expect(configJson({})).toBe('{"k3os":{"install":{}}}');
  expect(configJson({ runCmd: ["a\nb"], k3os: { dnsNameservers: ["x"], install: { forceEfi: true } } })).toBe(
    '{"runCmd":["a\\nb"],"k3os":{"dnsNameservers":["x"],"install":{"forceEfi":true}}}',
  );
});

const PIECES = [
  ..."aZ09 \t.:-#&*!|>'\"%@`{}[],?~=<\\/é😀\u2028",
  "\n",
  "\r\n",
  "  ",
  "yes",
  "null",
  "0x1",
  "1e3",
  "\u0007",
  "\u0085",
];

test("configYaml() and configJson() of random texts read back as they were", () => {
  const random = randomFrom(3);
  const text = () => Array.from({ length: random(12) }, () => PIECES[random(PIECES.length)]).join("");
  for (let round = 0; round < 400; round++) {
    const config: CloudConfig = {
      runCmd: [text(), text()],
      writeFiles: [{ path: "/a", content: text() }],
      k3os: {
        labels: {},
        environment: { a: text().trimEnd(), B: "x" },
        token: text().replace(/[^ -~]/g, ""),
      },
    };
    expect(parseConfigText(configYaml(config), "dump")).toEqual({ config, diagnostics: [] });
    expect(parseConfigText(configJson(config), "dump")).toEqual({ config, diagnostics: [] });
  }
});

test("configYaml() means the same to readers of YAML 1.1 and 1.2", () => {
  const config: CloudConfig = {
    runCmd: ["yes", "0644", "1e3", "12:30", "null", "~", "0o7", "1_0", "<<", "2001-01-01"],
  };
  for (const version of ["1.1", "1.2"] as const) {
    expect(parseDocument(configYaml(config), { version }).toJS()).toEqual({ run_cmd: config.runCmd });
  }
});
