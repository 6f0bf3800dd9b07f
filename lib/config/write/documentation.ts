import { jsonSchema } from "./json-schema.ts";
import { kernelParameterTable, reference } from "./reference.ts";

/** Ends the hand-written part of a page. */
const MARK = "do not edit below -->\n";

/** The files of docs/ that are made from the declaration, by name; `read` yields their present content. */
export function generatedDocs(read: (name: string) => string): Readonly<Record<string, string>> {
  const page = (name: string, generated: string) => {
    const [written = ""] = read(name).split(MARK);
    return { [name]: `${written}${MARK}\n${generated}` };
  };
  return {
    ...page("configuration.md", reference()),
    ...page("kernel-parameters.md", kernelParameterTable()),
    "config.schema.json": `${JSON.stringify(jsonSchema(), undefined, 2)}\n`,
  };
}
