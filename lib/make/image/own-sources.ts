import { join } from "node:path";
import type { Input } from "../build/context.ts";

/** Source files of this directory as inputs of a cached step: it is done again when they change. */
export function ownSources(...names: readonly string[]): Input[] {
  return names.map((name) => ({ path: join(import.meta.dirname, name) }));
}
