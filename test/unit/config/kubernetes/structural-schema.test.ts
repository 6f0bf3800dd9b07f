import { describe, expect, test } from "bun:test";
import { configDefinition } from "../../../../lib/config/kubernetes/config-definition.ts";
import { definitionsYaml } from "../../../../lib/config/kubernetes/definitions.ts";
import { secretSettings } from "../../../../lib/config/kubernetes/secret-settings.ts";
import {
  refusal,
  type StructuralSchema,
  structuralSchema,
} from "../../../../lib/config/kubernetes/structural-schema.ts";
import { text } from "../../../../lib/config/schema/field.ts";
import { snakeCase } from "../../../../lib/config/schema/names.ts";
import { SCHEMA } from "../../../../lib/config/schema/schema.ts";

/** The parts of a schema, each with its path. */
function parts(schema: StructuralSchema, path = ""): readonly [string, StructuralSchema][] {
  const below = Object.entries((schema.properties ?? {}) as Record<string, StructuralSchema>);
  const items = (schema.items ?? schema.additionalProperties) as StructuralSchema | undefined;
  return [
    [path, schema],
    ...below.flatMap(([name, part]) => parts(part, path === "" ? name : `${path}.${name}`)),
    ...(items === undefined ? [] : parts(items, `${path}[]`)),
  ];
}

const config = structuralSchema(SCHEMA);

describe("structuralSchema()", () => {
  test("has each key, in snake case and with its description", () => {
    const k3os = SCHEMA.fields.k3os.fields;
    const { properties } = config as { readonly properties: Record<string, StructuralSchema> };
    expect(Object.keys(properties)).toEqual(Object.keys(SCHEMA.fields).map(snakeCase));
    const below = properties.k3os?.properties as Record<string, StructuralSchema>;
    expect(Object.keys(below)).toEqual(Object.keys(k3os).map(snakeCase));
    expect(below.sysctls?.description).toStartWith(`${k3os.sysctls.description} A change: live.`);
    expect(below.labels?.description).toContain("A change: restarts k3s.");
  });

  test("gives each part a type, and bounds what can be repeated", () => {
    const found = parts(config);
    expect(found.length).toBeGreaterThan(60);
    for (const [path, schema] of found) {
      expect([path, schema.type]).toEqual([path, expect.stringMatching(/^(object|array|string|boolean)$/)]);
      const isBounded = "maxItems" in schema || "maxProperties" in schema;
      const isRepeated = schema.type === "array" || "additionalProperties" in schema;
      expect([path, isBounded]).toEqual([path, isRepeated]);
    }
  });

  test("throws for a pattern that the API server cannot read", () => {
    const field = text({ form: { pattern: "^(?=a)", expected: "a" } });
    expect(() => structuralSchema(field)).toThrow("has no look-around");
  });
});

test("refusal() is about secrets, what only the installer reads, and the name of one machine", () => {
  const { k3os, ...top } = SCHEMA.fields;
  const refused = Object.entries({ ...top, ...k3os.fields }).filter(([name, field]) => refusal(name, field));
  expect(refused.map(([name]) => name).toSorted()).toEqual(["hostname", "install", "password", "token"]);
});

test("secretSettings() names entries by their keys, and nothing that is no secret", () => {
  const setting = new RegExp(`^(?:${secretSettings().join("|")})$`);
  for (const name of [
    ...["k3os.password", "k3os.token", "k3os.wifi[home net].passphrase", "write_files[/etc/x].content"],
    ...[
      "k3os.registries.configs[a:5000].auth.password",
      "k3os.environment[A]",
      "k3os.k3s_config[agent-token]",
    ],
  ]) {
    expect(name).toMatch(setting);
  }
  for (const name of [
    "k3os.labels[a]",
    "k3os.wifi[a].name",
    "hostname",
    "xk3os.token",
    "k3os.wifi[a]b].passphrase",
  ]) {
    expect(name).not.toMatch(setting);
  }
});

test("definitionsYaml() has each kind once, in a group of our own", () => {
  const yaml = definitionsYaml();
  expect([...yaml.matchAll(/^kind: (.*)$/gm)].map(([, kind]) => kind)).toEqual([
    ...["CustomResourceDefinition", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"],
    ...["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"],
  ]);
  expect(configDefinition().metadata.name).toBe("k3osconfigs.k3os.io");
});
