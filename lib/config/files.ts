import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync } from "node:fs";
import type { Host } from "../host.ts";
import { inRoot } from "../paths.ts";
import type { Diagnostic } from "./diagnostics.ts";
import { MAX_BYTES } from "./limits.ts";

/**
 * The bytes of a source, undefined if it does not exist, or why it cannot be read. Opened without blocking, and read only
 * if it is a regular file: a pipe or device in its place must not hang the boot.
 */
export function readSourceFile(path: string, host: Pick<Host, "root">): Buffer | Diagnostic | undefined {
  let file: number | undefined;
  try {
    file = openSync(inRoot(host, path), constants.O_RDONLY | constants.O_NONBLOCK);
    const status = fstatSync(file);
    if (status.isDirectory()) return failure(path, "found a directory, wanted a file");
    if (!status.isFile()) return failure(path, "found a device, pipe or socket, wanted a file");
    if (status.size > MAX_BYTES)
      return failure(path, `found ${status.size} bytes, wanted at most ${MAX_BYTES}`);
    return readFileSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOENT" || code === "ENOTDIR" ? undefined : failure(path, `cannot be read (${code})`);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** The names in a directory in byte order, none if it does not exist, or why it cannot be listed. */
export function listDirectory(path: string, host: Pick<Host, "root">): readonly string[] | Diagnostic {
  try {
    return readdirSync(inRoot(host, path)).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOENT" ? [] : failure(path, `cannot be listed (${code}), wanted a directory`);
  }
}

export function isDiagnostic(value: Buffer | readonly string[] | Diagnostic): value is Diagnostic {
  return "severity" in value;
}

/** An error about a whole source. */
export function failure(path: string, message: string): Diagnostic {
  return { severity: "error", place: { source: path }, path: "", message };
}
