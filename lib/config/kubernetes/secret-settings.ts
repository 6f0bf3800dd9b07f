import type { Field, StructField } from "../schema/field.ts";
import { snakeCase } from "../schema/names.ts";
import { SCHEMA } from "../schema/schema.ts";
import { isCredential } from "./structural-schema.ts";

/**
 * The settings whose value can come from a Secret, as patterns of their names, each without its anchors: all that are
 * secret, the content of files, options of k3s and environment variables. An entry of a list or map is named by its key in brackets:
 * `k3os.wifi[home].passphrase`, `write_files[/etc/x].content`.
 */
export function secretSettings(): readonly string[] {
  return secretsOf(SCHEMA, "");
}

const KEY = "\\[[^\\[\\]]+\\]";

function secretsOf(struct: StructField, prefix: string): readonly string[] {
  return Object.entries(struct.fields).flatMap(([name, field]) =>
    patternsOf(field, `${prefix}${snakeCase(name)}`),
  );
}

function patternsOf(field: Field, path: string): readonly string[] {
  switch (field.kind) {
    case "struct":
      return field.change === "install" ? [] : secretsOf(field, `${path}\\.`);
    case "list":
      return field.item.kind === "struct" ? secretsOf(field.item, `${path}${KEY}\\.`) : [];
    case "map":
      return field.value.kind === "struct"
        ? secretsOf(field.value, `${path}${KEY}\\.`)
        : field.options || field.value.private
          ? [`${path}${KEY}`]
          : [];
    case "text":
      return isCredential(field) || field.bytesBy !== undefined ? [path] : [];
    case "flag":
      return [];
  }
}
