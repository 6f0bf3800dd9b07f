import { BOOLEAN_WORDS } from "../../tools/text/boolean-word.ts";
import type { Field, StructField, TextField } from "../schema/field.ts";
import { documentedSpellings, snakeCase } from "../schema/names.ts";
import { SCHEMA } from "../schema/schema.ts";

export type JsonSchema = Readonly<Record<string, unknown>>;

/** A place in the schema: the names that lead to it, and what several places refer to, which it adds to. */
interface Place {
  readonly path: readonly string[];
  readonly shared: Record<string, JsonSchema>;
}

/** The declaration as JSON Schema 2020-12, for completion, explanation and validation in editors. */
export function jsonSchema(): JsonSchema {
  const shared: Record<string, JsonSchema> = {};
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "k3OS configuration",
    ...structSchema(SCHEMA, { path: [], shared }),
    $defs: shared,
  };
}

function below({ path, shared }: Place, name: string): Place {
  return { path: [...path, name], shared };
}

/** Characters of a schema that is easier to read twice than by reference. */
const SHORT = 200;

/** A schema for several uses: itself if it is short, else a reference to it. Other spellings would double each level. */
function share(schema: JsonSchema, { path, shared }: Place): JsonSchema {
  if (JSON.stringify(schema).length <= SHORT) return schema;
  const name = path.join(".");
  shared[name] = schema;
  return { $ref: `#/$defs/${name}` };
}

function fieldSchema(field: Field, place: Place): JsonSchema {
  switch (field.kind) {
    case "text":
      return textSchema(field);
    case "flag":
      return { ...described(field), ...FLAG };
    case "map":
      return {
        ...described(field),
        type: "object",
        ...(field.key.form === undefined ? {} : { propertyNames: patternOf(field.key) }),
        additionalProperties:
          field.value.kind === "text"
            ? { ...textSchema(field.value), type: [...SCALAR, "null"] }
            : { anyOf: [fieldSchema(field.value, below(place, "value")), { type: "null" }] },
      };
    case "list": {
      const itemPlace = below(place, "item");
      const item = share(fieldSchema(field.item, itemPlace), itemPlace);
      return { ...described(field), anyOf: [{ type: "array", items: item }, item] };
    }
    case "struct":
      return structSchema(field, place);
  }
}

/** YAML parses `0644` as a number and `yes` as a boolean; we accept both as they are written. */
const SCALAR = ["string", "number", "boolean"];

const FLAG: JsonSchema = {
  anyOf: [
    { type: "boolean" },
    { enum: [0, 1] },
    { type: "string", pattern: `^(?:${Object.keys(BOOLEAN_WORDS).map(inAnyCase).join("|")})$` },
  ],
};

function inAnyCase(word: string): string {
  return word.replace(/[a-z]/g, (letter) => `[${letter.toUpperCase()}${letter}]`);
}

function textSchema(field: TextField): JsonSchema {
  return { ...described(field), type: SCALAR, ...patternOf(field) };
}

/** The pattern of a string's form, or the empty string, which clears a setting. */
function patternOf({ form }: TextField): JsonSchema {
  return form === undefined ? {} : { pattern: `^$|${form.pattern}` };
}

function structSchema(struct: StructField, place: Place): JsonSchema {
  const properties: Record<string, JsonSchema> = {};
  const patternProperties: Record<string, JsonSchema> = {};
  const required: string[] = [];
  for (const [name, field] of Object.entries(struct.fields)) {
    const [preferred = name, ...others] = documentedSpellings(name, field);
    const own = below(place, preferred);
    const full = fieldSchema(field, own);
    const schema = others.length > 0 ? share(full, own) : full;
    properties[preferred] = schema;
    if (others.length > 0) patternProperties[`^(?:${others.join("|")})$`] = schema;
    if (field.kind === "text" && field.required) required.push(snakeCase(name));
  }
  return {
    ...described(struct),
    // an empty section has no effect
    type: required.length > 0 ? "object" : ["object", "null"],
    properties,
    patternProperties,
    additionalProperties: false,
    ...(required.length > 0 ? { required } : {}),
  };
}

function described({ description, example }: Field): JsonSchema {
  return {
    ...(description === undefined ? {} : { description }),
    ...(example === undefined ? {} : { examples: [example] }),
  };
}
