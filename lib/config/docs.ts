import { jsonSchema } from "./json-schema.ts";
import { reference } from "./reference.ts";

/** Ends the hand-written part of a page. */
const MARK = "do not edit below -->\n";

/** The files of docs/ that are made from the declaration, by name; `read` yields their present content. */
export function generatedDocs(read: (name: string) => string): Readonly<Record<string, string>> {
  const [written = ""] = read("configuration.md").split(MARK);
  return {
    "configuration.md": `${written}${MARK}\n${reference()}`,
    "config.schema.json": `${JSON.stringify(jsonSchema(), undefined, 2)}\n`,
  };
}
