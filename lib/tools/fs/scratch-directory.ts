import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";

/** A directory of our own below `parent`, which is gone with all it holds at the end of the scope. */
export function scratchDirectory(parent: string, prefix: string): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(parent, prefix));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
