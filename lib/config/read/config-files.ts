import { readdirSync } from "node:fs";
import { readIfThere } from "../../tools/fs/read-bounded.ts";
import type { Host } from "../../tools/host/host.ts";
import { inRoot } from "../../tools/host/paths.ts";
import { CommandError } from "../../tools/text/errors.ts";
import { MAX_BYTES } from "../schema/limits.ts";
import type { Diagnostic } from "./diagnostics.ts";

/**
 * The bytes of a source, undefined if it does not exist, or the reason why it cannot be read: a pipe or device must not
 * block the boot.
 */
export function readSourceFile(path: string, host: Pick<Host, "root">): Buffer | Diagnostic | undefined {
  try {
    return readIfThere(inRoot(host, path), { maxBytes: MAX_BYTES });
  } catch (error) {
    if (error instanceof CommandError) return failure(path, error.message);
    const { code } = error as NodeJS.ErrnoException;
    return failure(path, `cannot be read (${code})`);
  }
}

/** The names in a directory in byte order, none if it does not exist, or the reason why it cannot be listed. */
export function listDirectory(path: string, host: Pick<Host, "root">): readonly string[] | Diagnostic {
  try {
    return inByteOrder(readdirSync(inRoot(host, path)));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOENT" ? [] : failure(path, `cannot be listed (${code}), expected a directory`);
  }
}

export function inByteOrder(names: readonly string[]): string[] {
  return names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

export function isDiagnostic(value: Buffer | readonly string[] | Diagnostic): value is Diagnostic {
  return "severity" in value;
}

/** An error about a whole source. */
export function failure(path: string, message: string): Diagnostic {
  return { severity: "error", place: { source: path }, path: "", message };
}
