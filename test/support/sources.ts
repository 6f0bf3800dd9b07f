import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

export const PROJECT = join(import.meta.dirname, "../..");

/** A TypeScript file of the project; `path` is relative to the project's root. */
export interface Source {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

export interface Import {
  /** As written: `node:fs`, `yaml`, `./host.ts`. */
  readonly specifier: string;
  /** Path in the project, for a relative import. */
  readonly path: string | undefined;
  /** `import type`: gone at run time. */
  readonly typeOnly: boolean;
  /** `import("…")`. */
  readonly dynamic: boolean;
}

/** All TypeScript files below the given directories of the project. */
export function readSources(directories: readonly string[]): Source[] {
  return directories.flatMap((directory) => {
    return readdirSync(join(PROJECT, directory), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
      .map((entry) => relative(PROJECT, join(entry.parentPath, entry.name)))
      .sort()
      .map((path) => {
        const text = readFileSync(join(PROJECT, path), "utf8");
        return { path, text, imports: importsOf(path, text) };
      });
  });
}

/** The imports and re-exports of a TypeScript file at `path`, found in its text; comments do not count. */
export function importsOf(path: string, text: string): Import[] {
  const code = text.replace(/^\s*(?:\/\/|\*|\/\*).*$/gm, "");
  const fixed = code.matchAll(/^(?:import|export)\b(\s+type\b)?(?:[^;"'`()]*?\bfrom)?\s*"([^"]+)"/gm);
  const lazy = code.matchAll(/\bimport\(\s*"([^"]+)"/g);
  return [
    ...[...fixed].map(([, type, specifier = ""]) => {
      return { specifier, path: resolve(path, specifier), typeOnly: type !== undefined, dynamic: false };
    }),
    ...[...lazy].map(([, specifier = ""]) => {
      return { specifier, path: resolve(path, specifier), typeOnly: false, dynamic: true };
    }),
  ];
}

function resolve(from: string, specifier: string): string | undefined {
  return specifier.startsWith(".") ? join(dirname(from), specifier) : undefined;
}
