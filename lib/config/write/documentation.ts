import { definitionsYaml } from "../kubernetes/definitions.ts";
import { installerParameterTable, installerSettingTable } from "./installer-tables.ts";
import { jsonSchema } from "./json-schema.ts";
import { kernelParameterTable, reference } from "./reference.ts";

/** Marks the end of the hand-written part of a page. */
const MARK = "do not edit below -->\n";
/** A table within the hand-written part: from its mark to the next empty line. */
const TABLE = /(do not edit this table -->\n\n).*?(\n\n|$)/s;

/** The files of docs/ that are generated from the declaration, by name; `read` returns their current content. */
export function generatedDocs(read: (name: string) => string): Readonly<Record<string, string>> {
  const withTable = (text: string, table: string) =>
    text.replace(TABLE, (_, mark, end) => mark + table.trimEnd() + end);
  const page = (text: string, generated: string) => `${text.split(MARK)[0]}${MARK}\n${generated}`;
  return {
    "configuration.md": page(read("configuration.md"), reference()),
    "installer.md": withTable(read("installer.md"), installerSettingTable()),
    "kernel-parameters.md": page(
      withTable(read("kernel-parameters.md"), installerParameterTable()),
      kernelParameterTable(),
    ),
    "kubernetes.crds.yaml": definitionsYaml(),
    "config.schema.json": `${JSON.stringify(jsonSchema(), undefined, 2)}\n`,
  };
}
