import { CommandError } from "../errors.ts";
import type { Host } from "../host.ts";
import { type Diagnostic, formatDiagnostic, hasErrors, logDiagnostics } from "./diagnostics.ts";
import { parseBytes } from "./parse.ts";

/** Throws CommandError that names every error in a file's content; warnings are logged. */
export function checkConfig(content: Uint8Array, name: string, host: Pick<Host, "log">): void {
  const { diagnostics, settings } = parseBytes(content, name);
  refuseErrors(`The configuration "${name}" has errors`, diagnostics);
  logDiagnostics(diagnostics, host);
  if (settings.length === 0) host.log.warn(`The configuration "${name}" sets nothing`);
}

/** Throws CommandError with all errors among what was found. */
export function refuseErrors(what: string, diagnostics: readonly Diagnostic[]): void {
  if (!hasErrors(diagnostics)) return;
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  throw new CommandError([`${what}:`, ...errors.map((error) => `  ${formatDiagnostic(error)}`)].join("\n"), {
    hint: 'check it with "k3os config validate FILE"; nothing was changed',
  });
}
