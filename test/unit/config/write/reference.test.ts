import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readCmdline } from "../../../../lib/config/read/cmdline.ts";
import { formatDiagnostic, hasErrors } from "../../../../lib/config/read/diagnostics.ts";
import { mergeLayers } from "../../../../lib/config/read/merge.ts";
import { parseConfigText } from "../../../../lib/config/read/parse.ts";
import { snakeCase } from "../../../../lib/config/schema/names.ts";
import { generatedDocs } from "../../../../lib/config/write/documentation.ts";
import { reference } from "../../../../lib/config/write/reference.ts";

const DOCS = join(import.meta.dirname, "../../../../docs");
const read = (name: string) => readFileSync(join(DOCS, name), "utf8");

test.each(Object.entries(generatedDocs(read)))("docs/%s is as `npm run docs` writes it", (name, content) => {
  expect(read(name)).toBe(content);
});

const SECTIONS = reference()
  .split("\n### ")
  .slice(1)
  .map((section) => ({
    key: section.slice(0, section.indexOf("\n")),
    yaml: /```yaml\n(.*?)```/s.exec(section)?.[1] ?? "",
    words: /^Kernel parameter: `(.*)`\.$/m.exec(section)?.[1],
  }));

test("reference() describes every key once", () => {
  const example = readFileSync(join(import.meta.dirname, "../../../examples/every-key.yaml"), "utf8");
  const { k3os: { install = {}, registries = {}, ...k3os } = {}, ...top } = parseConfigText(
    example,
    "example",
  ).config;
  const sections = [
    ["", top],
    ["k3os.", k3os],
    ["k3os.install.", install],
    ["k3os.registries.", registries],
  ] as const;
  const keys = sections.flatMap(([prefix, section]) =>
    Object.keys(section).map((name) => prefix + snakeCase(name)),
  );
  expect(SECTIONS.map(({ key }) => key).sort()).toEqual(keys.sort());
});

test.each(SECTIONS.map(({ key, yaml, words }) => [key, yaml, words] as const))(
  "reference() of %s has examples that mean the same in a file and on the kernel command line",
  (_, yaml, words) => {
    const { config, diagnostics } = parseConfigText(yaml, "example");
    expect(diagnostics).toEqual([]);
    expect(config).not.toEqual({});
    if (words === undefined) return;
    const layer = readCmdline(words, "example");
    expect({ config: mergeLayers([layer]).config, diagnostics: layer.diagnostics }).toEqual({
      config,
      diagnostics,
    });
  },
);

test("the YAML of docs/configuration.md reads without a complaint, its messages are the reader's", () => {
  const page = read("configuration.md");
  for (const [, yaml = ""] of page.matchAll(/```yaml\n(.*?)```/gs)) {
    expect(parseConfigText(yaml, "page").diagnostics).toEqual([]);
  }
  const file = "/var/lib/rancher/k3os/config.yaml";
  const broken = parseConfigText("\n\n\n\nk3os:\n  install:\n    silent: maybe\n", file).diagnostics;
  expect(hasErrors(broken)).toBe(true);
  expect(page).toContain(`Error: ${broken.map(formatDiagnostic).join()}\n`);
});
