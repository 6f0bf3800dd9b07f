import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generatedDocs } from "../lib/config/write/documentation.ts";
import { exitCodesPage } from "../lib/tools/cli/exit-codes.ts";
import { COMMANDS } from "./commands.ts";

/** Writes the generated parts of docs/. A test fails if they are out of date. */
const DOCS = join(import.meta.dirname, "../docs");

for (const [name, content] of Object.entries(
  generatedDocs((file) => readFileSync(join(DOCS, file), "utf8")),
)) {
  writeFileSync(join(DOCS, name), content);
}
writeFileSync(join(DOCS, "exit-codes.md"), await exitCodesPage(COMMANDS));
