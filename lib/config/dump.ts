import { stringify } from "yaml";
import type { Field, StructField } from "./field.ts";
import { snakeCase } from "./names.ts";
import { type CloudConfig, SCHEMA } from "./schema.ts";

/**
 * A configuration as YAML: keys in snake case and sorted, without the `install` section. The keys of labels, sysctls and
 * environment stay as they are. Read again, it yields the same configuration.
 */
export function configYaml(config: CloudConfig): string {
  const snake = toSnake(SCHEMA, withoutInstall(config));
  // YAML 1.1, so that texts such as "yes" and "0644" are quoted for every reader
  return stringify(snake, { version: "1.1", lineWidth: 0, aliasDuplicateObjects: false });
}

/** A configuration as one line of JSON in canonical names, always with an `install` section. */
export function configJson(config: CloudConfig): string {
  const { install = {}, ...k3os } = config.k3os ?? {};
  return JSON.stringify({ ...config, k3os: { ...k3os, install } });
}

/** The `install` section is for the installer only; a `k3os` section that had no more is left out as well. */
function withoutInstall({ k3os, ...rest }: CloudConfig): CloudConfig {
  const { install: _, ...others } = k3os ?? {};
  return Object.keys(others).length === 0 ? rest : { ...rest, k3os: others };
}

function toSnake(field: Field, value: unknown): unknown {
  if (field.kind === "struct") return snakeKeys(field, value as Readonly<Record<string, unknown>>);
  if (field.kind === "list") return (value as readonly unknown[]).map((item) => toSnake(field.item, item));
  return field.kind === "map" ? sorted(Object.entries(value as object)) : value;
}

function snakeKeys(struct: StructField, value: Readonly<Record<string, unknown>>) {
  const entries = Object.entries(value).map(([name, item]): [string, unknown] => {
    const field = struct.fields[name];
    return [snakeCase(name), field === undefined ? item : toSnake(field, item)];
  });
  return sorted(entries);
}

function sorted(entries: readonly [string, unknown][]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
