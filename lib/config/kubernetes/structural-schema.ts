import { CHANGE_WORDS } from "../schema/changes.ts";
import type { Change, Field, ListField, MapField, StructField, TextField } from "../schema/field.ts";
import { snakeCase } from "../schema/names.ts";
import { type CelRule, celRule } from "./cel-rules.ts";

/** A schema in a definition of a resource: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema */
export type StructuralSchema = Readonly<Record<string, unknown>>;

/** Most entries of a list or map: the API server must be able to bound the cost of the rules for them. */
const MOST = 256;
/** Most items with rules in a list in an entry of such a map. */
const MOST_NESTED = 5;
/** Most characters of a value: in one line, in one line or several with a rule, in several lines without one. */
const LINE = 1024;
const JUDGED = 4096;
const TEXT = 256 * 1024;

/**
 * A part of the configuration as the API server checks it. There is one spelling of each key, in snake case, and one form
 * of each value: a list is always written as one, and text always as a string, since kubectl reads `0644` as the number
 * 420. Some settings are refused (`refusal`), with the reason.
 */
export function structuralSchema(field: Field, inherited?: Change): StructuralSchema {
  const change = field.change ?? inherited;
  switch (field.kind) {
    case "text":
      return { ...described(field, change), ...textSchema(field) };
    case "flag":
      return { ...described(field, change), type: "boolean" };
    case "list":
      return { ...described(field, change), ...listSchema(field) };
    case "map":
      return { ...described(field, change), ...mapSchema(field) };
    case "struct":
      return { ...described(field, undefined), ...structSchema(field, change) };
  }
}

/** Why a setting cannot be in an object; undefined if it can. */
export function refusal(name: string, field: Field): string | undefined {
  if (field.change === "install") return "only the installer reads it";
  if (name === "hostname") return "it names one machine: it belongs into that machine's own configuration";
  if (isCredential(field)) return "a secret is given by spec.secretRefs, never in plain";
  return undefined;
}

/** A secret by its nature; the content of a file is only treated as one in messages. */
export function isCredential(field: Field): boolean {
  return field.kind === "text" && field.secret === true && field.bytesBy === undefined;
}

/** Names of secrets in options of k3s, which have a setting or a reference of their own. */
const SECRET_OPTION = "(?i:token|password|secret|passphrase)";

/** About the whole list: the message of a rule about one item shows the item. */
const ARGUMENTS_RULE: CelRule = {
  expression: String.raw`self.all(word, !word.matches(r'^--?[\w-]*${SECRET_OPTION}(=|$)|://[^/?#@]*:[^/?#@]*@'))`,
  message: "found a secret in an argument: give it by spec.secretRefs, as k3os.token or in k3os.k3s_config",
};

const OPTION_RULE: CelRule = {
  expression: String.raw`!self.matches(r'${SECRET_OPTION}\+?$')`,
  message: "found an option that is a secret: give it by spec.secretRefs, as k3os.k3s_config[OPTION]",
};

function textSchema(field: TextField): StructuralSchema {
  const { form, multiline, bytesBy } = field;
  if (form !== undefined && /\(\?[=!<]/.test(form.pattern)) {
    throw new TypeError(`The API server has no look-around in patterns: ${form.pattern}`);
  }
  const rule = celRule(field.judge);
  const line = multiline ? {} : { pattern: "^[^\\x00-\\x08\\x0a-\\x1f\\x7f]*$" };
  return {
    type: "string",
    ...(form === undefined ? line : { pattern: `^$|${form.pattern}` }),
    ...(bytesBy === undefined ? { maxLength: mostCharacters(field) } : {}),
    ...rules(rule && { ...rule, expression: `self == '' || ${rule.expression}` }),
  };
}

function mostCharacters({ multiline, judge }: TextField): number {
  if (!multiline) return LINE;
  return judge === undefined ? TEXT : JUDGED;
}

function listSchema({ item }: ListField): StructuralSchema {
  return {
    type: "array",
    maxItems: MOST,
    items: structuralSchema(item),
    // as in files: a list replaces another as a whole
    "x-kubernetes-list-type": "atomic",
    ...rules(item.kind === "text" && item.argument ? ARGUMENTS_RULE : undefined),
  };
}

function mapSchema({ key, value, options }: MapField): StructuralSchema {
  const form = key.form && {
    expression: `self.all(key, key.matches(r'${key.form.pattern}'))`,
    message: `expected keys in the form of ${key.form.expected}`,
  };
  const rule = options ? OPTION_RULE : celRule(key.judge);
  const judged = rule && {
    ...rule,
    expression: `self.all(key, ${rule.expression.replaceAll("self", "key")})`,
  };
  return {
    type: "object",
    maxProperties: MOST,
    additionalProperties: value.kind === "text" ? structuralSchema(value) : nested(structuralSchema(value)),
    ...rules(form, judged),
  };
}

/** The same schema with shorter lists of what has rules: each counts once for each entry of the map. */
function nested(schema: StructuralSchema): StructuralSchema {
  const { properties, items } = schema as {
    readonly properties?: Readonly<Record<string, StructuralSchema>>;
    readonly items?: StructuralSchema;
  };
  const isJudged = items !== undefined && "x-kubernetes-validations" in items;
  return {
    ...schema,
    ...(isJudged ? { maxItems: MOST_NESTED } : {}),
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, property]) => [name, nested(property)]),
          ),
        }),
  };
}

function structSchema(struct: StructField, change: Change | undefined): StructuralSchema {
  const fields = Object.entries(struct.fields).map(([name, field]) => ({
    name,
    key: snakeCase(name),
    field,
    reason: refusal(name, field),
  }));
  const refused = fields.flatMap(({ key, reason }) =>
    reason === undefined
      ? []
      : [{ expression: `!has(self.${key})`, message: `${key} is not taken: ${reason}` }],
  );
  const required = fields.filter(({ field }) => field.kind === "text" && field.required);
  return {
    type: "object",
    ...(required.length === 0 ? {} : { required: required.map(({ key }) => key) }),
    properties: Object.fromEntries(
      fields.map(({ key, field, reason }) => [
        key,
        reason === undefined ? structuralSchema(field, change) : refusedSchema(field, reason),
      ]),
    ),
    ...rules(celRule(struct.judge), ...refused),
  };
}

/** The schema has a refused key, so that a rule can say why. */
function refusedSchema({ kind, description }: Field, reason: string): StructuralSchema {
  const sentence = `Not taken from Kubernetes: ${reason}.`;
  return {
    description: description === undefined ? sentence : `${sentence} ${description}`,
    // what is below is kept for the rule: otherwise, kubectl would report it as unknown
    ...(kind === "struct"
      ? { type: "object", "x-kubernetes-preserve-unknown-fields": true }
      : { type: "string" }),
  };
}

function rules(...all: readonly ({ readonly expression: string; readonly message: string } | undefined)[]) {
  const found = all.filter((rule) => rule !== undefined);
  if (found.length === 0) return {};
  return { "x-kubernetes-validations": found.map(({ expression: rule, message }) => ({ rule, message })) };
}

/** What the documentation says, for `kubectl explain`. */
function described({ description, example }: Field, change: Change | undefined): StructuralSchema {
  const parts = [
    description,
    change === undefined || description === undefined ? undefined : `A change: ${CHANGE_WORDS[change]}.`,
    example === undefined ? undefined : `Example: ${JSON.stringify(example)}`,
  ];
  const text = parts.filter((part) => part !== undefined).join(" ");
  return text === "" ? {} : { description: text };
}
