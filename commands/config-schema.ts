import { jsonSchema } from "../lib/config/write/json-schema.ts";
import { defineCommand } from "../lib/tools/cli/cli.ts";
import { EXIT } from "../lib/tools/text/errors.ts";

/** `k3os config schema` */
export const configSchema = defineCommand({
  description: `
Prints the JSON Schema. Editors with YAML support use it to complete and
validate keys: put this line first in a configuration file, with the path or URL
of the schema:

  # yaml-language-server: $schema=config.schema.json`,
  options: {},
  run: async (_args, host) => {
    host.print(`${JSON.stringify(jsonSchema(), undefined, 2)}\n`);
    return EXIT.done;
  },
});
