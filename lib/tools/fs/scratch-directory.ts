import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";

/** A temporary directory below `parent`, removed with its content at the end of the scope. */
export function scratchDirectory(parent: string, prefix: string): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(parent, prefix));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
