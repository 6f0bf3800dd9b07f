import type { Field, StructField } from "../schema/field.ts";
import { snakeCase } from "../schema/names.ts";
import { type CloudConfig, SCHEMA } from "../schema/schema.ts";
import { emitYaml, type YamlValue } from "./emit-yaml.ts";
import { masked } from "./private.ts";

/**
 * A configuration as YAML: keys in snake case and sorted, without the `install` section. The keys of labels, sysctls
 * and environment are not converted. Parsing the result yields the same configuration.
 */
export function configYaml(config: CloudConfig): string {
  return emitYaml(inSnakeCase(SCHEMA, withoutInstall(config)));
}

/** The same for a screen, without secrets and passwords in URLs. */
export function shownYaml(config: CloudConfig): string {
  const shown = masked(SCHEMA, withoutInstall(config), "here");
  return emitYaml(inSnakeCase(SCHEMA, shown)).replaceAll(/(:\/\/)[^/@\s"]+@/g, "$1***@");
}

/** A configuration as one line of JSON in canonical names, always with an `install` section. */
export function configJson(config: CloudConfig): string {
  const { install = {}, ...k3os } = config.k3os ?? {};
  return JSON.stringify({ ...config, k3os: { ...k3os, install } });
}

/** The `install` section is for the installer only; a `k3os` section that contains nothing else is left out as well. */
function withoutInstall({ k3os, ...rest }: CloudConfig): CloudConfig {
  const { install: _, ...others } = k3os ?? {};
  return Object.keys(others).length === 0 ? rest : { ...rest, k3os: others };
}

/** A value with its keys in YAML's spelling, sorted. A value of another type than its field is not converted. */
export function inSnakeCase(field: Field, value: unknown): YamlValue {
  if (typeof value === "string") return value; // the placeholder of a secret
  switch (field.kind) {
    case "struct":
      return snakeKeys(field, value as Readonly<Record<string, unknown>>);
    case "list":
      return (value as readonly unknown[]).map((item) => inSnakeCase(field.item, item));
    case "map":
      return sorted(
        Object.entries(value as object).map(([key, item]) => [key, inSnakeCase(field.value, item)] as const),
      );
    default:
      return value as string | boolean;
  }
}

function snakeKeys(struct: StructField, value: Readonly<Record<string, unknown>>): YamlValue {
  const entries: [string, YamlValue][] = [];
  for (const [name, item] of Object.entries(value)) {
    const field = struct.fields[name];
    if (field !== undefined) entries.push([snakeCase(name), inSnakeCase(field, item)]);
  }
  return sorted(entries);
}

function sorted(entries: readonly (readonly [string, YamlValue])[]): YamlValue {
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
