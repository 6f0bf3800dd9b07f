/** A JSON Schema, of which only the words that our own schema uses are understood. */
type Schema = Readonly<Record<string, unknown>>;

const UNDERSTOOD = new Set([
  "$schema",
  "$defs",
  "$ref",
  "title",
  "description",
  "examples",
  "type",
  "enum",
  "anyOf",
  "pattern",
  "items",
  "properties",
  "patternProperties",
  "propertyNames",
  "additionalProperties",
  "required",
]);

/**
 * Whether a value meets a schema (https://json-schema.org/draft/2020-12), whose references lead into `root`. Throws for a
 * word it does not understand, and for a reference that leads nowhere or does not stand alone.
 */
export function meetsSchema(schema: Schema, value: unknown, root = schema): boolean {
  if (schema.$ref !== undefined) return meetsSchema(referred(schema, root), value, root);
  const strange = Object.keys(schema).find((word) => !UNDERSTOOD.has(word));
  if (strange !== undefined) throw new Error(`Unknown word "${strange}" in a JSON Schema`);
  const { type, anyOf, pattern, items } = schema as {
    anyOf?: Schema[];
    pattern?: string;
    items?: Schema;
    type?: unknown;
  };
  if (type !== undefined && ![type].flat().some((name) => isOfType(String(name), value))) return false;
  if (Array.isArray(schema.enum) && !schema.enum.includes(value)) return false;
  if (anyOf !== undefined && !anyOf.some((each) => meetsSchema(each, value, root))) return false;
  if (pattern !== undefined && typeof value === "string" && !new RegExp(pattern).test(value)) return false;
  if (items !== undefined && Array.isArray(value))
    return value.every((item) => meetsSchema(items, item, root));
  return isOfType("object", value) ? meetsProperties(schema, value as object, root) : true;
}

function referred(schema: Schema, { $defs = {} }: Schema): Schema {
  const found = ($defs as Readonly<Record<string, Schema>>)[String(schema.$ref).replace("#/$defs/", "")];
  if (found === undefined || Object.keys(schema).length > 1)
    throw new Error(`A bad reference: ${JSON.stringify(schema)}`);
  return found;
}

function meetsProperties(schema: Schema, value: object, root: Schema): boolean {
  const {
    properties = {},
    patternProperties = {},
    propertyNames,
    additionalProperties = {},
    required = [],
  } = schema as {
    properties?: Readonly<Record<string, Schema>>;
    patternProperties?: Readonly<Record<string, Schema>>;
    propertyNames?: Schema;
    additionalProperties?: Schema | false;
    required?: string[];
  };
  if (!required.every((name) => Object.hasOwn(value, name))) return false;
  return Object.entries(value).every(([name, below]) => {
    if (propertyNames !== undefined && !meetsSchema(propertyNames, name, root)) return false;
    const own = Object.hasOwn(properties, name) ? properties[name] : undefined;
    const matching = Object.entries(patternProperties).filter(([pattern]) => new RegExp(pattern).test(name));
    const schemas = [...(own === undefined ? [] : [own]), ...matching.map(([, each]) => each)];
    if (schemas.length > 0) return schemas.every((each) => meetsSchema(each, below, root));
    return additionalProperties !== false && meetsSchema(additionalProperties, below, root);
  });
}

function isOfType(type: string, value: unknown): boolean {
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  if (type === "object") return typeof value === "object" && value !== null && !Array.isArray(value);
  return typeof value === type;
}
