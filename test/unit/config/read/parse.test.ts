import { expect, test } from "bun:test";
import { formatDiagnostic } from "../../../../lib/config/read/diagnostics.ts";
import { parseBytes, parseConfigText } from "../../../../lib/config/read/parse.ts";

function read(text: string) {
  const { config, diagnostics } = parseConfigText(text, "c.yaml");
  return { config, messages: diagnostics.map((each) => `${each.severity} ${formatDiagnostic(each)}`) };
}

function messagesOf(bytes: Uint8Array): string[] {
  return parseBytes(bytes, "c.yaml").diagnostics.map(formatDiagnostic);
}

test.each([
  "0644",
  "yes",
  "No",
  "1e3",
  "12345",
  "010",
  "0x1F",
  "1_000",
  "12:30:45",
  "2001-01-01",
  ".5",
  "1.10",
  "+1",
  "on",
  "9007199254740993",
  "NaN",
  ".inf",
  "a: b",
  "#x",
  "!x",
  "@x",
  "",
])("parseConfigText() takes a quoted %p as it is", (text) => {
  expect(read(`k3os: {token: ${JSON.stringify(text)}}`)).toEqual({
    config: { k3os: { token: text } },
    messages: [],
  });
});

test.each(["0644", "yes", "No", "1e3", "12345", "010", "0x1F", "1_000", "12:30", "2001-01-01", "1.10", "on"])(
  "parseConfigText() takes a plain %s as it is written",
  (text) => {
    expect(read(`k3os:\n  token: ${text} # x\n`)).toEqual({
      config: { k3os: { token: text } },
      messages: [],
    });
  },
);

test("parseConfigText() takes large numbers in maps as they are written", () => {
  const { config } = read("k3os:\n  sysctls:\n    fs.file-max: 1048576\n    vm.x: 1e6\n    vm.0x10: ~\n");
  expect(config.k3os?.sysctls).toEqual({ "fs.file-max": "1048576", "vm.x": "1e6", "vm.0x10": "" });
});

test.each(["true", "True", "TRUE", "yes", "YES", "on", "On", "y", "1", '"true"', "'yes'", "!!bool yes"])(
  "parseConfigText() takes %s for true",
  (text) => {
    expect(read(`k3os: {install: {silent: ${text}}}`)).toEqual({
      config: { k3os: { install: { silent: true } } },
      messages: [],
    });
  },
);

test.each(["false", "no", "OFF", "n", "0", '"false"'])("parseConfigText() takes %s for false", (text) => {
  expect(read(`k3os: {install: {debug: ${text}}}`).config).toEqual({ k3os: { install: { debug: false } } });
});

test.each([
  ["k3os: {modules: kvm}", { k3os: { modules: ["kvm"] } }],
  ["run_cmd: 5", { runCmd: ["5"] }],
  ['run_cmd: ""', { runCmd: [] }],
  ["run_cmd: []", { runCmd: [] }],
  ["k3os: {labels: {}}", { k3os: { labels: {} } }],
  ["k3os: {wifi: {name: home}}", { k3os: { wifi: [{ name: "home" }] } }],
  ["k3os: {wifi: [{name: 5, pass: 01234567}]}", { k3os: { wifi: [{ name: "5", passphrase: "01234567" }] } }],
  ["write_files: [{path: /a, permissions: 0644}]", { writeFiles: [{ path: "/a", permissions: "0644" }] }],
  ["k3os: {labels: {yes: no, 1: 2}}", { k3os: { labels: { yes: "no", "1": "2" } } }],
  ["k3os:\n  token: |\n    T\n", { k3os: { token: "T" } }],
  ["run_cmd:\n- |\n  a\n  b\n", { runCmd: ["a\nb\n"] }],
  ["run_cmd: [!!str 0644]", { runCmd: ["0644"] }],
  ["run_cmd: [!!binary aGk=]", { runCmd: ["hi"] }],
])("parseConfigText() of %p", (text, config) => {
  expect(read(text)).toEqual({ config: config as never, messages: [] });
});

test.each([
  ["a null section", "k3os:\nhostname: n\n", []],
  ["a null section below", "k3os:\n  install: null\nhostname: n\n", []],
  ["a comment", "# hostname: x\n---\nhostname: n\n...\n", []],
  ["a byte order mark", "\ufeffhostname: n\n", []],
  ["Windows line ends", "#cloud-config\r\nhostname: n\r\nk3os:\r\n", []],
  ["an older version of YAML", "%YAML 1.1\n---\nhostname: n\n", []],
  ["JSON with tabs", '{\n\t"hostname":\t"n"\n}\n', []],
  [
    "a null field",
    "hostname: n\nrun_cmd:\n",
    [
      'warning c.yaml:2:1: run_cmd: found nothing, which changes nothing: expected a value, or "", [] or {} to clear one',
    ],
  ],
  [
    "a null item",
    "hostname: n\nrun_cmd: [~]\n",
    ["warning c.yaml:2:11: run_cmd[0]: found nothing, expected text"],
  ],
  [
    "a duplicate key",
    "hostname: m\nhostname: n\n",
    ["warning c.yaml:2:1: hostname: found the key again: the last one counts"],
  ],
  [
    "a second document",
    "hostname: n\n---\nhostname: m\n",
    ["warning c.yaml:2:1: found another document, which is ignored: expected one per source"],
  ],
  [
    "an unknown key",
    "hostname: n\nhostnam: m\n",
    ['warning c.yaml:2:1: hostnam: unknown key: did you mean "hostname"?'],
  ],
  ["an unknown tag", "hostname: !x n\n", []],
  [
    "a key that is a list",
    "? [a]\n: b\nhostname: n\n",
    ["error c.yaml:1:3: found a list as a key, expected text"],
  ],
  [
    "a prototype key",
    "hostname: n\n__proto__: {polluted: 1}\n",
    ['warning c.yaml:2:1: __proto__: found the key "__proto__", which is never used: it is ignored'],
  ],
  [
    "a list for a section",
    "hostname: n\nk3os: []\n",
    ["error c.yaml:2:7: k3os: found a list, expected a map"],
  ],
  [
    "a map for a text",
    "hostname: n\nk3os: {token: {a: 1}}\n",
    ["error c.yaml:2:15: k3os.token: found a map, expected text"],
  ],
  [
    "a map for a list",
    "hostname: n\nrun_cmd: {a: 1}\n",
    ["error c.yaml:2:10: run_cmd: found a map, expected a list of strings"],
  ],
  [
    "a list for a map",
    "hostname: n\nk3os: {labels: [a]}\n",
    ["error c.yaml:2:16: k3os.labels: found a list, expected a map of strings"],
  ],
  [
    "a word for a flag",
    "hostname: n\nk3os: {install: {silent: maybe}}\n",
    ['error c.yaml:2:26: k3os.install.silent: found "maybe", expected true or false'],
  ],
  [
    "a list in a list",
    "hostname: n\nrun_cmd: [[ls, -l]]\n",
    ["error c.yaml:2:11: run_cmd[0]: found a list, expected text"],
  ],
  [
    "a text for an entry",
    "hostname: n\nk3os: {wifi: [home]}\n",
    ["error c.yaml:2:15: k3os.wifi[0]: found a text, expected a map"],
  ],
  [
    "an undefined alias",
    "hostname: n\nk3os: {token: *t}\n",
    ["error c.yaml:2:15: k3os.token: found an alias that is not defined, expected text"],
  ],
  [
    "a line break in one line",
    'hostname: n\nk3os: {server_url: "a\\nb"}\n',
    [
      'error c.yaml:2:20: k3os.server_url: found "a\\nb", expected one line of text without control characters',
    ],
  ],
  [
    "a null character",
    'hostname: n\nrun_cmd: ["a\\0b"]\n',
    ["error c.yaml:2:11: run_cmd[0]: found a null character, expected text"],
  ],
  [
    "bytes for a text",
    "hostname: n\nk3os: {token: !!binary f0VMRv8=}\n",
    ["error c.yaml:2:24: k3os.token: found !!binary that is not base64 of text, expected text"],
  ],
])("parseConfigText() of %s uses the rest and says where", (_, text, messages) => {
  expect(read(text)).toEqual({ config: { hostname: "n" }, messages });
});

test.each([
  ["k3os: {labels: {a b: c, d: e}}", { labels: { d: "e" } }],
  ["k3os: {labels: {a: {}, d: e}}", { labels: { d: "e" } }],
  ["k3os: {environment: {A-B: c, d: e}}", { environment: { d: "e" } }],
  ["k3os: {taints: [a, a=b:NoExecute]}", { taints: ["a=b:NoExecute"] }],
  ["k3os: {modules: [{}, kvm]}", { modules: ["kvm"] }],
  ["k3os: {wifi: [{name: a, pass: []}, {name: b}]}", { wifi: [{ name: "b" }] }],
  ["k3os: {wifi: [{pass: a}, {name: b}]}", { wifi: [{ name: "b" }] }],
  ["k3os: {wifi: [{pass: a}], modules: kvm}", { modules: ["kvm"] }],
  ["k3os: {modules: [[]], token: x}", { token: "x" }],
])("parseConfigText() of %p drops the broken entry only", (text, k3os) => {
  const { config, messages } = read(text);
  expect(config).toEqual({ k3os } as never);
  expect(messages.map((message) => message.split(" ")[0])).toEqual(["error"]);
});

test.each([
  ["hostname: a b", '"a b"'],
  ["hostname: -a", '"-a"'],
  [`hostname: ${"a".repeat(65)}`, '"aaaa'],
  ["write_files: [{path: /a, permissions: rw}]", '"rw"'],
  ["write_files: [{path: /a, encoding: zip}]", '"zip"'],
  ["write_files: [{path: /a, owner: a b}]", '"a b"'],
  ["k3os: {taints: a=b}", '"a=b"'],
  ["k3os: {labels: {a: b c}}", '"b c"'],
])("parseConfigText() of %p says what it found and wanted", (text, found) => {
  const { config, messages } = read(text);
  expect(config).toEqual({});
  expect(messages.join("\n")).toContain(`found ${found}`);
  expect(messages.join("\n")).toContain(", expected ");
});

test.each([
  ["k3os:\n  data_source: [aws]\n  data_sources: [gcp]\n", "gcp"],
  ["k3os:\n  data_sources: [gcp]\n  datasource: [aws]\n", "gcp"],
  ["k3os:\n  datasource: [aws]\n  dataSources: [gcp]\n", "gcp"],
])("parseConfigText() of two spellings %p prefers snake plural, else the last, and warns", (text, source) => {
  const { config, messages } = read(text);
  expect(config).toEqual({ k3os: { dataSources: [source] } });
  expect(messages).toHaveLength(1);
  expect(messages[0]).toContain("which means the same");
});

test("parseConfigText() keeps the keys of maps as they are", () => {
  const map = { HTTP_PROXY: "a", camelCase: "b", snake_case: "c", "": "d" };
  const { config } = read(JSON.stringify({ k3os: { environment: map } }));
  expect(config.k3os?.environment).toEqual(map);
});

test("parseConfigText() merges by << : own keys win, then the first of a list", () => {
  const { config, messages } = read(`
a: &a {token: a, server_url: a, password: a}
b: &b {serverUrl: b, password: b}
c: &c {<<: *b, password: c}
k3os:
  <<: [*c, *a]
  serverurl: https://own
  labels: {"<<": x}
`);
  expect(config.k3os?.token).toBe("a");
  expect(config.k3os?.password).toBe("c");
  expect(config.k3os?.serverUrl).toBe("https://own");
  expect(messages).toHaveLength(1); // the quoted "<<" is a label's key, and a bad one
});

test("parseConfigText() resolves aliases of lists, maps and texts, the latest anchor of a name", () => {
  const { config } = read(
    "x: &l [a]\ny: &l [b]\nrun_cmd: *l\nboot_cmd: [&t c, *t]\nk3os: {labels: &m {a: b}, environment: *m}\n",
  );
  expect(config).toEqual({
    runCmd: ["b"],
    bootCmd: ["c", "c"],
    k3os: { labels: { a: "b" }, environment: { a: "b" } },
  });
});

test.each([
  ["", "f0VMRgIBAQD/", { content: "f0VMRgIBAQD/", encoding: "b64" }],
  [
    "encoding: gzip, ",
    "H4sIAAAAAAACA6sAAIMW3IwBAAAA",
    { content: "H4sIAAAAAAACA6sAAIMW3IwBAAAA", encoding: "gzip+b64" },
  ],
  [
    "encoding: gz, ",
    "H4sIAAAAAAACA6sAAIMW3IwBAAAA",
    { content: "H4sIAAAAAAACA6sAAIMW3IwBAAAA", encoding: "gz+b64" },
  ],
  ["", "aGVsbG8K", { content: "hello\n" }],
  ["encoding: b64, ", "YUdrPQ==", { content: "aGk=", encoding: "b64" }],
  ["", "f0VM RgIB\n    AQD/", { content: "f0VMRgIBAQD/", encoding: "b64" }],
  ["", "/w", { content: "/w==", encoding: "b64" }],
])("parseConfigText() of {%s!!binary %s} keeps every byte", (encoding, base64, expected) => {
  const { config, messages } = read(`write_files:\n- {${encoding}path: /a, content: !!binary "${base64}"}\n`);
  expect(messages).toEqual([]);
  expect(config.writeFiles).toEqual([{ path: "/a", ...expected }]);
});

test.each(["encoding: b64, path: /a, content: !!binary /w==", "path: /a, content: !!binary f0VM...."])(
  "parseConfigText() of {%s} drops the file",
  (entry) => {
    const { config, messages } = read(`write_files: [{${entry}}, {path: /b}]`);
    expect(config.writeFiles).toEqual([{ path: "/b" }]);
    expect(messages).toHaveLength(1);
  },
);

test("parseConfigText() shows no secret", () => {
  const { messages } = read(
    'k3os: {token: "hunt\\ner2", password: [hunter2], wifi: {name: a, pass: "hunt\\ner2"}}',
  );
  expect(messages).toHaveLength(3);
  expect(messages.join("\n")).not.toContain("hunt");
});

test.each([
  [
    "a tab as indentation",
    "hostname: n\nk3os:\n\ttoken: x\n",
    "c.yaml:3:1: Tabs are not allowed as indentation: expected YAML",
  ],
  ["a list that does not end", "hostname: n\nrun_cmd: [a\n", "c.yaml:3:1: Flow sequence in block collection"],
  ["a text", "hello\n", "c.yaml:1:1: found a text, expected a map"],
  ["a list", "- hostname: n\n", "c.yaml:1:1: found a list, expected a map"],
  ["a web page", "<!DOCTYPE html>\n<html>404: not found</html>\n", "c.yaml:1:1: "],
])("parseConfigText() of %s uses nothing and says where", (_, text, message) => {
  const { config, messages } = read(text);
  expect(config).toEqual({});
  expect(messages[0]).toStartWith(`error ${message}`);
});

test("parseBytes() of a file that is not UTF-8 loses only the values concerned", () => {
  const bytes = Buffer.from("# f\xfcr\nhostname: n\nrun_cmd: [caf\xe9, ok]\n", "latin1");
  expect(parseBytes(bytes, "c.yaml").settings.map(({ path, value }) => [path, value])).toEqual([
    ["hostname", "n"],
    ["runCmd", ["ok"]],
  ]);
  expect(messagesOf(bytes)).toEqual([
    "c.yaml:1: found bytes that are not UTF-8, expected UTF-8 text",
    "c.yaml:3:11: run_cmd[0]: found bytes that are not UTF-8, expected text",
  ]);
});

test("parseBytes() reads UTF-16 with a byte order mark, in either order", () => {
  const little = Buffer.from("\ufeffhostname: n\n", "utf16le");
  const big = Buffer.from(little).swap16();
  for (const bytes of [little, big]) {
    expect(parseBytes(bytes, "c.yaml").settings.map(({ value }) => value)).toEqual(["n"]);
  }
});
