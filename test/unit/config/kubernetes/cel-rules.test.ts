import { expect, test } from "bun:test";
import { celRule } from "../../../../lib/config/kubernetes/cel-rules.ts";
import { hasErrors } from "../../../../lib/config/read/diagnostics.ts";
import { parseConfigText } from "../../../../lib/config/read/parse.ts";
import type { Field } from "../../../../lib/config/schema/field.ts";
import { SCHEMA } from "../../../../lib/config/schema/schema.ts";
import { CEL_VALUES, configWith } from "../../../support/cel-values.ts";

/** Checks that only the node can make, or of settings that are refused anyway. */
const ON_THE_NODE = ["timeZoneFlaw", "patternFlaw", "fileFlaw", "passphraseFlaw", "tokenFlaw"];

type Judge = Parameters<typeof celRule>[0];

function judges(field: Field): readonly Judge[] {
  switch (field.kind) {
    case "struct":
      return [field.judge, ...Object.values(field.fields).flatMap(judges)];
    case "list":
      return judges(field.item);
    case "map":
      return [...judges(field.key), ...judges(field.value)];
    case "text":
      return [field.judge];
    case "flag":
      return [];
  }
}

test("celRule() has each check of the schema, but for those that only the node can make", () => {
  const without = judges(SCHEMA).flatMap((judge) =>
    judge === undefined || celRule(judge) !== undefined ? [] : [judge.name],
  );
  expect([...new Set(without)].toSorted()).toEqual(ON_THE_NODE.toSorted());
});

/** The ring `cluster` asks a real API server about the same values. */
test.each(CEL_VALUES)("the reader says that $text at $path being valid is $valid", (value) => {
  const { diagnostics } = parseConfigText(JSON.stringify(configWith(value)), "c.yaml");
  expect(!hasErrors(diagnostics)).toBe(value.valid);
});
