import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { Transpiler } from "bun";
import { CommandError } from "../../tools/text/errors.ts";

/** The modules that are reachable from the entries. Imports of types do not count: they do not exist at run time. */
export interface ModuleGraph {
  /** By path in the project. */
  readonly modules: ReadonlyMap<string, Module>;
  /** Names of the imported npm packages. */
  readonly packages: readonly string[];
}

/** The relevant parts of a module. */
export interface Module {
  /** The code without types and comments; the unchanged text of other files. */
  readonly code: string;
  /** Its import specifiers. */
  readonly specifiers: readonly string[];
}

export interface GraphOptions {
  /**
   * Whether the modules run from the project. Then they must not read the environment or files beside them, because
   * these inputs could not be determined. Default true.
   */
  readonly strict?: boolean;
}

const TYPESCRIPT = new Transpiler({ loader: "ts", target: "bun" });

/** By text: most modules are shared by several steps. */
const parsed = new Map<string, Module>();

/** Undeclared inputs of a step's module, and their alternatives. */
const UNDECLARED = [
  {
    pattern: /\bprocess\.(env|cwd)\b/,
    what: "the environment",
    hint: "declare `variables` and use the host's env",
  },
  {
    pattern: /\bimport\.meta\.(?!filename\b)\w+/,
    what: "files beside it",
    hint: "declare `files` and use the context's source()",
  },
] as const;

/** A string literal. */
const TEXT = /"(?:[^"\\\n]|\\.)*"/g;

/** `import(` of anything but a string literal: its value is only known at run time. */
const COMPUTED = /\bimport\((?!\s*(?:"[^"]*"|'[^']*'|`[^`$]*`)\s*[,)])/;

/**
 * Follows the imports of modules, given as paths in the project. Throws CommandError if the dependencies of a module
 * cannot be determined.
 */
export function moduleGraph(
  entries: readonly string[],
  project: string,
  { strict = true }: GraphOptions = {},
): ModuleGraph {
  const modules = new Map<string, Module>();
  const packages = new Set<string>();
  const queue = [...entries];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (modules.has(path)) continue;
    const module = readModule(path, project);
    if (strict) refuseUndeclared(path, module.code);
    modules.set(path, module);
    for (const specifier of module.specifiers) {
      if (isRelative(specifier)) queue.push(resolveFrom(path, specifier));
      else if (!isBuiltIn(specifier)) packages.add(packageOf(specifier));
    }
  }
  return { modules, packages: [...packages].sort() };
}

function readModule(path: string, project: string): Module {
  const file = join(project, path);
  if (path.startsWith("..") || !existsSync(file)) {
    throw new CommandError(`Cannot follow the imports of the build: there is no "${path}" in the project`);
  }
  const text = readFileSync(file, "utf8");
  if (!path.endsWith(".ts")) return { code: text, specifiers: [] };
  const known = parsed.get(text);
  if (known !== undefined) return known;
  try {
    const code = TYPESCRIPT.transformSync(text);
    if (COMPUTED.test(code)) throw new CommandError("It imports a module whose name is computed");
    const module = { code, specifiers: TYPESCRIPT.scanImports(text).map((found) => found.path) };
    parsed.set(text, module);
    return module;
  } catch (cause) {
    throw new CommandError(`Cannot determine what "${path}" imports`, { cause });
  }
}

function refuseUndeclared(path: string, code: string): void {
  const calls = code.replace(TEXT, '""');
  const found = UNDECLARED.find(({ pattern }) => pattern.test(calls));
  if (found === undefined) return;
  throw new CommandError(`Cannot determine what "${path}" depends on: it reads ${found.what} by itself`, {
    hint: found.hint,
  });
}

function isRelative(specifier: string): boolean {
  return specifier.startsWith(".");
}

function resolveFrom(path: string, specifier: string): string {
  return normalize(join(dirname(path), specifier));
}

function isBuiltIn(specifier: string): boolean {
  return /^(node:|bun$|bun:)/.test(specifier);
}

/** `@scope/name/part` → `@scope/name`. */
function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

/** An import of a whole module, as printed by the transpiler. */
const IMPORT = /^import\b[^;"]*"[^"]+"[^;]*;\n?/gm;

/**
 * A digest of a module with all its imports. The path of an import is replaced by its digest, and the order of imports
 * is ignored: moving a file changes nothing.
 */
export function linkedDigest(entry: string, { modules }: ModuleGraph): string {
  const known = new Map<string, string>();
  const digestOf = (path: string): string => {
    const before = known.get(path);
    if (before !== undefined) return before;
    known.set(path, `circle to ${path}`); // until its own digest is known
    const { code, specifiers } = modules.get(path) ?? { code: "", specifiers: [] };
    const linked = specifiers.filter(isRelative).reduce((text, specifier) => {
      return text.replaceAll(`"${specifier}"`, `"${digestOf(resolveFrom(path, specifier))}"`);
    }, code);
    const imports = [...linked.matchAll(IMPORT)].map(([statement]) => statement.trim()).sort();
    const digest = createHash("sha256")
      .update([...imports, linked.replace(IMPORT, "")].join("\n"))
      .digest("hex");
    known.set(path, digest);
    return digest;
  };
  return digestOf(entry);
}

/** A digest of the modules of a program with their paths, which a bundler may write into its output. */
export function bundledDigest({ modules }: ModuleGraph): string {
  const entries = [...modules].sort(([a], [b]) => (a < b ? -1 : 1));
  const hash = createHash("sha256");
  for (const [path, { code }] of entries) hash.update(`${path} ${code.length}\n${code}`);
  return hash.digest("hex");
}
