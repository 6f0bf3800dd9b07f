import { expect, test } from "bun:test";
import { readCmdline } from "../../../../lib/config/read/cmdline.ts";
import { hasErrors } from "../../../../lib/config/read/diagnostics.ts";
import { parseBytes, parseConfigText } from "../../../../lib/config/read/parse.ts";
import { MAX_BYTES, MAX_NODES } from "../../../../lib/config/schema/limits.ts";
import { randomBytes, randomFrom } from "../../../support/random.ts";

/** Every level repeats the one below nine times. */
function bomb(levels: number, base: string, use: (alias: string) => string): string {
  const lines = [`l0: &l0 ${base}`];
  for (let level = 1; level <= levels; level++) {
    lines.push(`l${level}: &l${level} ${use(`*l${level - 1}`)}`);
  }
  return lines.join("\n");
}

const nine = (alias: string) => Array(9).fill(alias).join(", ");

test.each([
  ["flow lists without end", "[".repeat(50_000)],
  ["flow maps without end", "{".repeat(1_000_000)],
  ["closed flow lists", `run_cmd: ${"[".repeat(5000)}${"]".repeat(5000)}`],
  ["block lists", "- ".repeat(100_000)],
  ["nested maps", Array.from({ length: 1000 }, (_, depth) => `${" ".repeat(depth)}a:\n`).join("")],
  ["a million items", "- a\n".repeat(1_000_000)],
  ["more than the largest source", `run_cmd: ${"a".repeat(MAX_BYTES)}`],
  ["a bomb of lists", `${bomb(9, "[a]", (alias) => `[${nine(alias)}]`)}\nrun_cmd: *l9`],
  ["a bomb of merge keys", `${bomb(20, "{a: b}", (alias) => `{<<: [${nine(alias)}]}`)}\nk3os: *l20`],
  ["a bomb of long texts", `l: &l ${"a".repeat(200_000)}\nrun_cmd: [${Array(1000).fill("*l").join(", ")}]`],
  ["quotes without end", '"'.repeat(100_000)],
  ["errors without end", "a: ]\n".repeat(5_000)],
  ["binary data", Buffer.from(randomBytes(100_000, 1)).toString("latin1")],
])("parseConfigText() of %s refuses the source and says why in a few lines", (_, text) => {
  const { config, diagnostics } = parseConfigText(text, "c.yaml");
  expect(config).toEqual({});
  expect(hasErrors(diagnostics)).toBe(true);
  expect(diagnostics.length).toBeLessThan(60);
  expect(Math.max(...diagnostics.map(({ message }) => message.length))).toBeLessThan(500);
});

test("parseConfigText() of a merge key that leads back to itself ends", () => {
  const { config } = parseConfigText("k3os: &k\n  token: t\n  <<: *k\n", "c.yaml");
  expect(config).toEqual({ k3os: { token: "t" } });
});

test("parseConfigText() of a list that contains itself ends", () => {
  const { config } = parseConfigText("run_cmd: &r [a, *r]\n", "c.yaml");
  expect(config).toEqual({ runCmd: ["a"] });
});

test("parseConfigText() of thousands of unknown keys tells of fifty, and how many more", () => {
  const text = Array.from({ length: 10_000 }, (_, at) => `key${at}: x\n`).join("");
  const { diagnostics } = parseConfigText(text, "c.yaml");
  expect(diagnostics).toHaveLength(51);
  expect(diagnostics.at(-1)?.message).toBe("found 9950 more problems");
  expect(hasErrors(diagnostics)).toBe(false);
});

test("parseConfigText() of an error beyond the fiftieth warning is still an error", () => {
  const text = `${Array.from({ length: 60 }, (_, at) => `key${at}: x\n`).join("")}hostname: [a]\n`;
  expect(hasErrors(parseConfigText(text, "c.yaml").diagnostics)).toBe(true);
});

test("parseConfigText() accepts what is large but within the limits", () => {
  const items = Array.from({ length: MAX_NODES / 4 }, (_, at) => `- c${at}\n`).join("");
  const { config, diagnostics } = parseConfigText(`run_cmd:\n${items}`, "c.yaml");
  expect(diagnostics).toEqual([]);
  expect(config.runCmd).toHaveLength(MAX_NODES / 4);
  const content = "x".repeat(MAX_BYTES - 1000);
  const file = parseConfigText(`write_files: [{path: /a, content: ${content}}]`, "c.yaml");
  expect(file.config.writeFiles?.[0]?.content).toBe(content);
});

test.each([
  "__proto__: {polluted: 1}",
  "constructor: {prototype: {polluted: 1}}",
  "k3os: {__proto__: {polluted: 1}, constructor: {prototype: {polluted: 1}}}",
  "k3os: {labels: {__proto__: x, constructor: y, prototype: z}}",
  "p: &p {__proto__: {polluted: 1}}\nk3os: {<<: *p}",
  "write_files: [{__proto__: {polluted: 1}, path: /a}]",
  'k3os: {"__pr\\u006fto__": {polluted: 1}}',
])("parseConfigText() of %p changes no prototype", (text) => {
  const { config } = parseConfigText(text, "c.yaml");
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  for (const value of [config, config.k3os, config.k3os?.labels, config.writeFiles?.[0]]) {
    if (value !== undefined) expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  }
  expect(JSON.stringify(config)).not.toMatch(/polluted|proto|constructor/);
});

test("parseBytes() of damaged configurations never throws", () => {
  const good = Buffer.from(
    "a: &a {token: x}\nk3os:\n  <<: *a\n  labels: {b: 'c'}\nrun_cmd:\n- |\n  d\n- !!binary aGk=\n",
  );
  const random = randomFrom(7);
  for (let round = 0; round < 1000; round++) {
    const bytes = Buffer.from(good);
    for (let change = random(4); change >= 0; change--) bytes[random(bytes.length)] = random(256);
    expect(parseBytes(bytes.subarray(0, 1 + random(bytes.length)), "c.yaml")).toHaveProperty("settings");
  }
});

test("readCmdline() of random lines never throws", () => {
  const random = randomFrom(8);
  const parts = [
    "k3os",
    ".",
    "=",
    '"',
    " ",
    "[",
    "]",
    "labels",
    "token",
    "install",
    "silent",
    "é",
    "\0",
    "__proto__",
  ];
  for (let round = 0; round < 3000; round++) {
    const line = Array.from({ length: random(30) }, () => parts[random(parts.length)]).join("");
    expect(readCmdline(line, "cmdline")).toHaveProperty("settings");
  }
});

test("readCmdline() of a megabyte takes no time to speak of", () => {
  const line = 'k3os.labels.a="b" '.repeat(50_000);
  expect(readCmdline(line, "cmdline").settings).toHaveLength(1);
});
