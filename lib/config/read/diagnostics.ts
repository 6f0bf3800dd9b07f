import type { Host } from "../../tools/host/host.ts";

/** A place in a source: its path, and the line and column if known, counted from 1. */
export interface Place {
  readonly source: string;
  readonly line?: number;
  readonly column?: number;
}

/** A message about a source for its author. An error means that the part concerned is not used. */
export interface Diagnostic {
  readonly severity: "error" | "warning";
  /** `unknown-key` is a warning when the configuration is applied, an error when it is validated. */
  readonly kind?: "unknown-key";
  readonly place: Place;
  /** The setting concerned, such as `k3os.wifi[0].name`; empty for a whole source. */
  readonly path: string;
  /** The found and the expected value. Never contains a secret. */
  readonly message: string;
}

/** `file:line:column`, without unknown parts. */
export function formatPlace({ source, line, column }: Place): string {
  return [source, line, column].filter((part) => part !== undefined).join(":");
}

/** `file:line:column: path: found …, expected …`. */
export function formatDiagnostic({ place, path, message }: Diagnostic): string {
  return [formatPlace(place), path, message].filter((part) => part !== "").join(": ");
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some(({ severity }) => severity === "error");
}

/** Logs each diagnostic by its severity. */
export function logDiagnostics(diagnostics: readonly Diagnostic[], host: Pick<Host, "log">): void {
  for (const diagnostic of diagnostics) {
    const line = formatDiagnostic(diagnostic);
    if (diagnostic.severity === "error") host.log.error(line);
    else host.log.warn(line);
  }
}
