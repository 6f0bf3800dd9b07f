import type { Host } from "../../tools/host/host.ts";

/** A place in a source: its path, and where known the line and column, counted from 1. */
export interface Place {
  readonly source: string;
  readonly line?: number;
  readonly column?: number;
}

/** Something about a source that its author should know. An error means that what it is about was not used. */
export interface Diagnostic {
  readonly severity: "error" | "warning";
  /** `unknown-key` is a warning when the configuration is applied, an error when it is validated. */
  readonly kind?: "unknown-key";
  readonly place: Place;
  /** The setting concerned, such as `k3os.wifi[0].name`; empty for a whole source. */
  readonly path: string;
  /** What was found, and what was wanted. Never contains the value of a secret. */
  readonly message: string;
}

/** `file:line:column`, as far as it is known. */
export function formatPlace({ source, line, column }: Place): string {
  return [source, line, column].filter((part) => part !== undefined).join(":");
}

/** `file:line:column: path: what was found, what was wanted`. */
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
