import { CHANGE_WORDS } from "../schema/changes.ts";
import type { Change, Field, Phase, StructField } from "../schema/field.ts";
import { documentedSpellings, snakeCase } from "../schema/names.ts";
import { SCHEMA } from "../schema/schema.ts";
import { emitYaml, type YamlValue } from "./emit-yaml.ts";

interface Key {
  /** The spelling in YAML: `k3os.install.force_efi`. */
  readonly path: string;
  readonly name: string;
  readonly field: Exclude<Field, StructField>;
  readonly phases: readonly Phase[];
  readonly change: Change | undefined;
}

/** The reference of every key as Markdown: an overview, then each key with its description and examples. */
export function reference(): string {
  const keys = keysOf(SCHEMA, "", {});
  const rows = keys.map(({ path, field, phases, change }) => {
    return `| [\`${path}\`](#${anchor(path)}) | ${typeOf(field)} | ${phases.join(", ")} | ${inWords(change)} |`;
  });
  const overview = ["| key | value | applied | a change |", "|---|---|---|---|", ...rows].join("\n");
  return `${[overview, ...keys.map(describeKey)].join("\n\n")}\n`;
}

/**
 * Every key that can be set on the kernel command line, as a Markdown table: the spelling, and the page that describes
 * it.
 */
export function kernelParameterTable(): string {
  const rows = keysOf(SCHEMA, "", {}).flatMap(({ path, field }) =>
    kernelParameters(path, field).map((words) => {
      return `| [\`${path}\`](configuration.md#${anchor(path)}) | \`${words}\` |`;
    }),
  );
  return ["| parameter | for example |", "|---|---|", ...rows, ""].join("\n");
}

function keysOf(
  struct: StructField,
  prefix: string,
  inherited: Pick<Field, "phases" | "change">,
): readonly Key[] {
  return Object.entries(struct.fields).flatMap(([name, field]) => {
    const path = `${prefix}${snakeCase(name)}`;
    const { phases = [], change } = { ...inherited, ...field };
    return field.kind === "struct"
      ? keysOf(field, `${path}.`, { phases, ...(change && { change }) })
      : [{ path, name, field, phases, change }];
  });
}

function inWords(change: Change | undefined): string {
  return change === undefined ? "" : CHANGE_WORDS[change];
}

function describeKey({ path, name, field, phases, change }: Key): string {
  const facts = [
    `Value: ${typeOf(field)}. Applied: ${phases.join(", ")}. A change: ${inWords(change)}. Also spelled ${otherSpellings(name, field)}.`,
    ...kernelParameters(path, field).map((words) => `Kernel parameter: \`${words}\`.`),
  ];
  const parts = [`### ${path}`, field.description, facts.join("\n"), ...entryTable(field)];
  if (field.example !== undefined)
    parts.push(`\`\`\`yaml\n${exampleYaml(path, field.example as YamlValue)}\`\`\``);
  return parts.filter((part) => part !== undefined).join("\n\n");
}

/** The fields of the entries in a list or map of maps. */
function entryTable(field: Field): readonly string[] {
  const entry = field.kind === "list" ? field.item : field.kind === "map" ? field.value : field;
  if (entry.kind !== "struct") return [];
  const rows = entryFields(entry, "").map(
    ([name, { description }]) => `| \`${name}\` | ${description ?? ""} |`,
  );
  return [["| entry | |", "|---|---|", ...rows].join("\n")];
}

function entryFields({ fields }: StructField, prefix: string): [name: string, field: Field][] {
  return Object.entries(fields).flatMap(([name, field]): [string, Field][] => {
    const path = `${prefix}${snakeCase(name)}`;
    return field.kind === "struct" ? entryFields(field, `${path}.`) : [[path, field]];
  });
}

function typeOf(field: Field): string {
  switch (field.kind) {
    case "text":
      return "string";
    case "flag":
      return "boolean";
    case "map":
      return { text: "map of strings", list: "map of lists", struct: "map of maps" }[field.value.kind];
    case "list":
      return field.item.kind === "text" ? "list of strings" : "list of maps";
    case "struct":
      return "map";
  }
}

function otherSpellings(name: string, field: Field): string {
  const [, ...others] = documentedSpellings(name, field);
  return others.length === 0 ? "in any case" : others.map((spelling) => `\`${spelling}\``).join(", ");
}

/** The example as words of the kernel command line; none if it cannot be written there. */
export function kernelParameters(path: string, field: Field): readonly string[] {
  const { kind, example } = field;
  if (example === undefined) return [];
  if (kind === "map") {
    if (field.value.kind === "struct") return [];
    const words = Object.entries(example as object).flatMap(([key, value]) =>
      [value].flat().map((item): [string, unknown] => [key, item]),
    );
    return [wordsOf(words, (key) => `${path}[${key}]`)];
  }
  if (kind !== "list") return [wordsOf([["", example]], () => path)];
  const items = example as readonly unknown[];
  if (items.some((item) => typeof item !== "string")) return [];
  return [
    wordsOf(
      items.map((item) => ["", item]),
      () => path,
    ),
  ];
}

function wordsOf(entries: readonly (readonly [string, unknown])[], nameOf: (key: string) => string): string {
  return entries
    .map(([key, value]) => {
      const text = String(value);
      return `${nameOf(key)}=${/\s/.test(text) ? `"${text}"` : text}`;
    })
    .join(" ");
}

/** An example below its parent keys. */
export function exampleYaml(path: string, example: YamlValue): string {
  return emitYaml(path.split(".").reduceRight<YamlValue>((value, key) => ({ [key]: value }), example));
}

/** The fragment of GitHub's links to a heading. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w -]/g, "")
    .replaceAll(" ", "-");
}
