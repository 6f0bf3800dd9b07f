import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { hasErrors } from "../../../../lib/config/read/diagnostics.ts";
import { parseConfigText } from "../../../../lib/config/read/parse.ts";
import { documentedSpellings } from "../../../../lib/config/schema/names.ts";
import { SCHEMA } from "../../../../lib/config/schema/schema.ts";
import { jsonSchema } from "../../../../lib/config/write/json-schema.ts";
import { meetsSchema } from "../../../support/json-schema.ts";

const EXAMPLES = join(import.meta.dirname, "../../../examples");
const FILES = readdirSync(EXAMPLES).filter((name) => /\.(yaml|json)$/.test(name));
const schema = jsonSchema();

/** What an editor makes of a text: it knows merge keys, and YAML's own types. */
function valid(text: string): boolean {
  return meetsSchema(schema, parse(text, { merge: true }));
}

test.each(FILES)("the reader and jsonSchema() accept the example %s", (name) => {
  const text = readFileSync(join(EXAMPLES, name), "utf8");
  const { config, diagnostics } = parseConfigText(text, name);
  expect(diagnostics).toEqual([]);
  expect(Object.keys(config)).not.toEqual([]);
  if (!text.includes("!!binary") && !/^proxy:/m.test(text)) expect(valid(text)).toBe(true);
});

test("the example of every key sets every key", () => {
  const { config } = parseConfigText(
    readFileSync(join(EXAMPLES, "every-key.yaml"), "utf8"),
    "every-key.yaml",
  );
  expect(Object.keys(config).sort()).toEqual(Object.keys(SCHEMA.fields).sort());
  expect(Object.keys(config.k3os ?? {}).sort()).toEqual(Object.keys(SCHEMA.fields.k3os.fields).sort());
  const { install } = SCHEMA.fields.k3os.fields;
  expect(Object.keys(config.k3os?.install ?? {}).sort()).toEqual(Object.keys(install.fields).sort());
});

const { k3os, ...TOP } = SCHEMA.fields;
const { install: INSTALL, ...K3OS } = k3os.fields;

test.each([
  ["", TOP],
  ["k3os", K3OS],
  ["k3os.install", INSTALL.fields],
] as const)(
  "the reader and jsonSchema() accept each documented spelling and example below %p",
  (section, fields) => {
    for (const [name, field] of Object.entries(fields)) {
      for (const spelling of documentedSpellings(name, field)) {
        const below = { [spelling]: field.example };
        const path = section === "" ? [] : section.split(".");
        const text = JSON.stringify(path.reduceRight<unknown>((value, key) => ({ [key]: value }), below));
        expect([text, parseConfigText(text, "example").diagnostics]).toEqual([text, []]);
        expect([text, valid(text)]).toEqual([text, true]);
      }
    }
  },
);

test.each([
  ["hostname: 5", true],
  ["hostname: ''", true],
  ["k3os:", true],
  ["k3os: {install: null}", true],
  ["run_cmd: echo", true],
  ["k3os: {install: {silent: 'YES', debug: 0}}", true],
  ["k3os: {labels: {a: 5, b: null}}", true],
  ["hostname: [a]", false],
  ["hostname: a b", false],
  ["hostnam: a", false],
  ["k3os: {token: {a: b}}", false],
  ["k3os: {install: {silent: maybe}}", false],
  ["k3os: {labels: {a b: c}}", false],
  ["k3os: {labels: {a: [b]}}", false],
  ["k3os: {wifi: [{passphrase: a}]}", false],
  ["write_files: [{path: /a, permissions: rw}]", false],
  ["write_files: [{path: /a, mode: 5}]", false],
  ["k3os: []", false],
])("the reader and jsonSchema() agree that %p being valid is %p", (text, expected) => {
  const { diagnostics } = parseConfigText(text, "c.yaml");
  const accepted = !hasErrors(diagnostics) && diagnostics.every(({ kind }) => kind !== "unknown-key");
  expect({ accepted, valid: valid(text) }).toEqual({ accepted: expected, valid: expected });
});

test("jsonSchema() says nothing long twice, and defines nothing that nobody refers to", () => {
  const { $defs, ...rest } = schema;
  const names = Object.keys($defs as object);
  const text = JSON.stringify(schema);
  expect(names.filter((name) => !text.includes(`"#/$defs/${name}"`))).toEqual([]);
  const all: string[] = [];
  const collect = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    all.push(JSON.stringify(value));
    for (const below of Object.values(value)) collect(below);
  };
  collect([$defs, rest]);
  const long = all.filter((each) => each.length > 1000);
  expect(long.filter((each, index) => long.indexOf(each) !== index)).toEqual([]);
});
