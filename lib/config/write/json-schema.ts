import { BOOLEAN_WORDS } from "../../tools/text/boolean-word.ts";
import type { Field, StructField, TextField } from "../schema/field.ts";
import { documentedSpellings, snakeCase } from "../schema/names.ts";
import { SCHEMA } from "../schema/schema.ts";

export type JsonSchema = Readonly<Record<string, unknown>>;

/** The declaration as JSON Schema 2020-12, for completion, explanation and validation in editors. */
export function jsonSchema(): JsonSchema {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "k3OS configuration",
    ...structSchema(SCHEMA),
  };
}

function fieldSchema(field: Field): JsonSchema {
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
            : { anyOf: [fieldSchema(field.value), { type: "null" }] },
      };
    case "list": {
      const item = fieldSchema(field.item);
      return { ...described(field), anyOf: [{ type: "array", items: item }, item] };
    }
    case "struct":
      return structSchema(field);
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

function structSchema(struct: StructField): JsonSchema {
  const properties: Record<string, JsonSchema> = {};
  const patternProperties: Record<string, JsonSchema> = {};
  const required: string[] = [];
  for (const [name, field] of Object.entries(struct.fields)) {
    const schema = fieldSchema(field);
    const [preferred = name, ...others] = documentedSpellings(name, field);
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
