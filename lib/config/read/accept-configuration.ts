import type { Host } from "../../tools/host/host.ts";
import { fetchBytes, maskUrl } from "../../tools/http/http.ts";
import { CommandError, during } from "../../tools/text/errors.ts";
import { MAX_BYTES } from "../schema/limits.ts";
import { type Diagnostic, formatDiagnostic, hasErrors, logDiagnostics } from "./diagnostics.ts";
import { parseConfig } from "./parse.ts";

/** The content of a configuration by path or URL. Throws CommandError if it cannot be read or has errors. */
export async function fetchConfig(url: string, host: Pick<Host, "log" | "clock" | "env">): Promise<Buffer> {
  const name = maskUrl(url);
  const content = await during(`Fetching the configuration "${name}"`, () =>
    fetchBytes(url, { maxBytes: MAX_BYTES }, host),
  );
  checkConfig(content, name, host);
  return content;
}

/** Throws CommandError with all errors in a file's content; warnings are logged. */
export function checkConfig(content: Uint8Array, name: string, host: Pick<Host, "log">): void {
  const { diagnostics, origins } = parseConfig(content, name);
  logDiagnostics(
    diagnostics.filter(({ severity }) => severity === "warning"),
    host,
  );
  refuseErrors(`The configuration "${name}" has errors`, diagnostics);
  if (origins.size === 0) host.log.warn(`The configuration "${name}" sets nothing`);
}

/** Throws CommandError with all errors among the diagnostics. */
export function refuseErrors(what: string, diagnostics: readonly Diagnostic[]): void {
  if (!hasErrors(diagnostics)) return;
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  throw new CommandError([`${what}:`, ...errors.map((error) => `  ${formatDiagnostic(error)}`)].join("\n"), {
    hint: 'check it with "k3os config validate FILE"; nothing was changed',
  });
}
