import { expect, test } from "bun:test";
import {
  fieldName,
  isUnsafeKey,
  joinPath,
  preferredSpelling,
  snakeCase,
  suggestion,
} from "../../../../lib/config/schema/names.ts";
import { SCHEMA } from "../../../../lib/config/schema/schema.ts";

const K3OS = SCHEMA.fields.k3os;
const SECTIONS = {
  top: SCHEMA,
  k3os: K3OS,
  install: K3OS.fields.install,
  wifi: K3OS.fields.wifi.item,
  file: SCHEMA.fields.writeFiles.item,
} as const;

test.each([
  ["sshAuthorizedKeys", "ssh_authorized_keys"],
  ["k3sArgs", "k3s_args"],
  ["k3os.install.isoUrl", "k3os.install.iso_url"],
])("snakeCase() of %s is %s", (name, snake) => {
  expect(snakeCase(name)).toBe(snake);
});

test.each([
  "data_sources",
  "data_source",
  "dataSources",
  "dataSource",
  "datasources",
  "datasource",
  "DataSources",
])("fieldName() knows %s as dataSources", (spelling) => {
  expect(fieldName(K3OS, spelling)).toBe("dataSources");
});

test.each([
  ["top", "k3os", "k3os"],
  ["top", "k3o", "k3os"],
  ["top", "runcmd", "runCmd"],
  ["top", "write_file", "writeFiles"],
  ["top", "HOSTNAME", "hostname"],
  ["k3os", "modul", "modules"],
  ["k3os", "serverURL", "serverUrl"],
  ["install", "efi", "forceEfi"],
  ["install", "iso_url", "isoUrl"],
  ["wifi", "pass", "passphrase"],
  ["wifi", "password", "passphrase"],
] as const)("fieldName() in %s knows %s as %s", (section, spelling, name) => {
  expect(fieldName(SECTIONS[section], spelling)).toBe(name);
});

test.each(["data-sources", "sources", "", "__proto__", "toString"])("fieldName() does not know %p", (key) => {
  expect(fieldName(K3OS, key)).toBeUndefined();
});

test("fieldName() gives no spelling to two fields of one section", () => {
  for (const struct of Object.values(SECTIONS)) {
    for (const name of Object.keys(struct.fields)) expect(fieldName(struct, name)).toBe(name);
  }
});

test("preferredSpelling() prefers snake plural, else what is written last", () => {
  expect(preferredSpelling("dataSources", ["data_sources", "datasource"])).toBe("data_sources");
  expect(preferredSpelling("dataSources", ["dataSource", "datasource"])).toBe("datasource");
});

test("isUnsafeKey() is true for what would reach a prototype", () => {
  expect(["__proto__", "constructor", "prototype", "proto"].filter(isUnsafeKey)).toHaveLength(3);
});

test.each([
  ["", "hostnam", ': did you mean "hostname"?'],
  ["", "token", ': did you mean "k3os.token"?'],
  ["", "device", ': did you mean "k3os.install.device"?'],
  ["k3os", "run_cmd", ': did you mean "run_cmd" at the top level?'],
  ["k3os", "server-url", ': did you mean "server_url"?'],
  ["k3os", "zzzzzzzz", ""],
])("suggestion() in section %p for %s is %p", (path, key, hint) => {
  expect(suggestion(path === "" ? SCHEMA : K3OS, key, path)).toBe(hint);
});

test.each([
  ["k3os", "token", "k3os.token"],
  ["", "token", "token"],
  ["k3os.labels", "a.b/c", 'k3os.labels["a.b/c"]'],
  ["write_files", 0, "write_files[0]"],
] as const)("joinPath() of %p and %p is %p", (path, key, joined) => {
  expect(joinPath(path, key)).toBe(joined);
});
