import { type Diagnostic, hasErrors, logDiagnostics } from "../lib/config/read/diagnostics.ts";
import { readConfig } from "../lib/config/read/read.ts";
import { MAX_BYTES } from "../lib/config/schema/limits.ts";
import type { CloudConfig } from "../lib/config/schema/schema.ts";
import { defineCommand } from "../lib/tools/cli/cli.ts";
import { readBounded } from "../lib/tools/fs/read-bounded.ts";
import type { Host } from "../lib/tools/host/host.ts";
import { during, EXIT } from "../lib/tools/text/errors.ts";

/** `k3os config validate [FILE…]` */
export const configValidate = defineCommand({
  usage: "[FILE...]",
  description: `
Validates each FILE or, without arguments, all configuration sources of this
system. Unknown keys are errors here, but only warnings elsewhere. Commands that
k3OS does not include are warnings.`,
  options: {},
  exits: { done: "no errors", failed: "the configuration has errors, or a file cannot be read" },
  maxPositionals: Number.POSITIVE_INFINITY,
  run: async ({ positionals }, host) => {
    const found = positionals.length === 0 ? await checkSystem(host) : await checkFiles(positionals, host);
    const diagnostics = found.map(strictly);
    logDiagnostics(diagnostics, host);
    if (hasErrors(diagnostics)) return EXIT.failed;
    host.log.info(positionals.length > 1 ? "The configurations are valid" : "The configuration is valid");
    return EXIT.done;
  },
});

async function checkSystem(host: Host): Promise<readonly Diagnostic[]> {
  const { config, diagnostics } = await readConfig(host);
  return [...diagnostics, ...(await missingOf(config, "the configuration", host))];
}

/** Commands in a configuration that k3OS does not have. */
async function missingOf(config: CloudConfig, source: string, host: Host): Promise<readonly Diagnostic[]> {
  const { missingCommands } = await import("../lib/legacy/missing-commands.ts");
  return missingCommands(config, host).map((missing) => ({
    severity: "warning",
    place: { source },
    ...missing,
  }));
}

async function checkFiles(files: readonly string[], host: Host): Promise<readonly Diagnostic[]> {
  const { parseConfig } = await import("../lib/config/read/parse.ts");
  const diagnostics: Diagnostic[] = [];
  for (const file of files) {
    const bytes = await during(`Reading "${file}"`, () => readBounded(file, { maxBytes: MAX_BYTES }));
    const { config, diagnostics: found } = parseConfig(bytes, file);
    diagnostics.push(...found, ...(await missingOf(config, file, host)));
  }
  return diagnostics;
}

function strictly(diagnostic: Diagnostic): Diagnostic {
  return diagnostic.kind === "unknown-key" ? { ...diagnostic, severity: "error" } : diagnostic;
}
