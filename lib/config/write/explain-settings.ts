import { UsageError } from "../../tools/text/errors.ts";
import { formatPlace } from "../read/diagnostics.ts";
import { effectiveValue, type Origins } from "../read/merge.ts";
import type { Setting } from "../read/setting.ts";
import type { Field, StructField } from "../schema/field.ts";
import { fieldName, snakeCase, suggestion } from "../schema/names.ts";
import { SCHEMA } from "../schema/schema.ts";
import { inSnakeCase } from "./dump.ts";
import { masked } from "./private.ts";

/**
 * For every setting below `key` (a key in any spelling; by default all settings): its value, its source, and the
 * sources that it replaces. Secrets are not shown. Throws UsageError for a key that does not exist.
 */
export function explainConfig(origins: Origins, key?: string): string {
  const selected = key === undefined ? { path: "", field: SCHEMA } : findKey(key);
  const fields = leaves(selected.field, selected.path);
  const set = fields.filter(({ path }) => origins.has(path));
  if (set.length > 0) {
    return set.map(({ path, field }) => explainSetting(path, field, origins.get(path) ?? [])).join("\n");
  }
  if (key === undefined) return "Nothing is set\n";
  const { description } = selected.field;
  return `${snakeCase(selected.path)} is not set\n${description === undefined ? "" : `\n${description}\n`}`;
}

function explainSetting(path: string, field: Field, settings: readonly Setting[]): string {
  const value = effectiveValue(settings);
  const lines = [...settings].reverse().map((setting, at) => {
    const place = formatPlace(setting.place);
    if (at === 0) return `  ${setting.adds ? "added" : "set"} by ${place}`;
    // values that are only added to are still in effect
    const counts = settings.slice(settings.length - at).every(({ adds }) => adds);
    const [verb, what] = counts
      ? [setting.adds ? "added" : "set", ""]
      : ["over", `: ${shownValue(field, setting.value)}`];
    return `  ${verb}${counts ? " by" : ""} ${place}${what}`;
  });
  return `${snakeCase(path)}: ${shownValue(field, value)}\n${lines.join("\n")}\n`;
}

/** A value on one line, without secrets and passwords in URLs. */
export function shownValue(field: Field, value: unknown): string {
  const readable = inSnakeCase(field, masked(field, value, "here"));
  return JSON.stringify(readable).replace(/(:\/\/)[^/@\s"]+@/g, "$1***@");
}

/** Every setting as it is written in a configuration: `hostname`, `k3os.install.device`. */
export function settingNames(): string[] {
  return leaves(SCHEMA, "").map(({ path }) => snakeCase(path));
}

interface Leaf {
  readonly path: string;
  readonly field: Field;
}

function leaves(field: Field, path: string): readonly Leaf[] {
  if (field.kind !== "struct") return [{ path, field }];
  return Object.entries(field.fields).flatMap(([name, below]) =>
    leaves(below, path === "" ? name : `${path}.${name}`),
  );
}

function findKey(key: string): Leaf {
  let struct: StructField = SCHEMA;
  let path = "";
  const parts = key.split(".");
  for (const [at, part] of parts.entries()) {
    const name = fieldName(struct, part);
    const field = name === undefined ? undefined : struct.fields[name];
    if (name === undefined || field === undefined) {
      throw new UsageError(`Unknown key "${key}"${suggestion(struct, part, snakeCase(path))}`);
    }
    path = path === "" ? name : `${path}.${name}`;
    if (at === parts.length - 1) return { path, field };
    if (field.kind !== "struct")
      throw new UsageError(`Unknown key "${key}": ${snakeCase(path)} has no keys below it`);
    struct = field;
  }
  return { path, field: struct };
}
