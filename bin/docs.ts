import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generatedDocs } from "../lib/config/write/documentation.ts";
import { exitCodesPage } from "../lib/tools/cli/exit-codes.ts";
import { COMMANDS } from "./commands.ts";

/** Writes the parts of docs/ that are made from the program. A test fails when they were not written again. */
const DOCS = join(import.meta.dirname, "../docs");

for (const [name, content] of Object.entries(
  generatedDocs((file) => readFileSync(join(DOCS, file), "utf8")),
)) {
  writeFileSync(join(DOCS, name), content);
}
writeFileSync(join(DOCS, "exit-codes.md"), await exitCodesPage(COMMANDS));
