import { type Dirent, readdirSync } from "node:fs";
import { join } from "node:path";

/**
 * Everything below a directory, as relative paths, sorted, parents before their content. Links are listed, not followed
 * (Bun's recursive readdir enters linked directories).
 */
export function walk(directory: string): { readonly path: string; readonly entry: Dirent }[] {
  const found: { path: string; entry: Dirent }[] = [];
  const visit = (prefix: string) => {
    const entries = readdirSync(join(directory, prefix), { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(prefix, entry.name);
      found.push({ path, entry });
      if (entry.isDirectory()) visit(path);
    }
  };
  visit("");
  return found;
}

/** Paths of all files and links below a directory, relative to it. */
export function filesBelow(directory: string): string[] {
  return walk(directory).flatMap(({ path, entry }) => (entry.isDirectory() ? [] : [path]));
}
