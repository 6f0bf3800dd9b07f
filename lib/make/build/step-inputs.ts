import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import { CommandError } from "../../tools/text/errors.ts";
import type { Made, Step } from "./build-step.ts";
import { contentDigest } from "./content-digest.ts";
import { type InstalledPackages, versionsOf } from "./debian-versions.ts";
import { lockedClosure, readLockedPackages } from "./locked-packages.ts";
import { bundledDigest, linkedDigest, moduleGraph } from "./module-graph.ts";

/** The external inputs of a step. */
export interface Surroundings {
  /** The project's root directory. */
  readonly project: string;
  /** Directories whose paths differ between clones and machines; they must not occur in an input. */
  readonly places: readonly string[];
  readonly installed: InstalledPackages;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** All inputs of a result: their names, and a digest or a text of each. */
export type StepInputs = Readonly<Record<string, string>>;

/** The directory of this program: steps name their modules by absolute paths. */
const PROJECT = join(import.meta.dirname, "../../..");

/**
 * All inputs of a step's result. They do not depend on the location of the project, so that another clone can use a
 * result. Throws CommandError if they cannot be determined.
 */
export function stepInputs<I>(step: Step<I>, input: I, around: Surroundings): StepInputs {
  const { project, installed, env } = around;
  const entry = relative(PROJECT, step.module);
  const own = moduleGraph([entry], project);
  const bundled = moduleGraph(step.bundles ?? [], project, { strict: false });
  const files = (step.files ?? []).map((path) => [`file ${path}`, fileDigest(path, project)]);
  const npm = lockedClosure([...own.packages, ...bundled.packages], readLockedPackages(project));
  const debian = versionsOf(step.packages?.(input) ?? [], installed);
  const variables = (step.variables ?? []).map((name) => [`variable ${name}`, env[name] ?? ""]);
  return Object.fromEntries([
    ["bun", `${process.versions.bun} ${process.arch}`],
    ["code", linkedDigest(entry, own)],
    ...(bundled.modules.size > 0 ? [["program", bundledDigest(bundled)]] : []),
    ...files,
    ...npm.map(line("npm")),
    ...debian.map(line("debian")),
    ...variables,
    ["input", inputText(input, around.places)],
  ]);
}

/** The key of a result. */
export function stepKey(inputs: StepInputs): string {
  return digestOf(JSON.stringify(Object.entries(inputs).sort(([a], [b]) => (a < b ? -1 : 1)))).slice(0, 16);
}

/** `NAME REST` → [`KIND NAME`, `REST`]. */
function line(kind: string): (text: string) => [string, string] {
  return (text) => {
    const space = text.indexOf(" ");
    return [`${kind} ${text.slice(0, space)}`, text.slice(space + 1)];
  };
}

function fileDigest(path: string, project: string): string {
  const file = join(project, path);
  if (existsSync(file)) return contentDigest(file, "git");
  throw new CommandError(`The build reads "${path}", which is not in the project`);
}

/**
 * An input as text; results of steps are represented by their digests. Throws CommandError for values without a JSON
 * form, and for paths.
 */
function inputText(input: unknown, places: readonly string[]): string {
  return JSON.stringify(input, (name, value) => {
    if (isMade(value)) return value.digest;
    if (!isPlain(value))
      throw new CommandError(`The input "${name}" of the build is of a kind that JSON does not hold`);
    if (
      typeof value === "string" &&
      places.some((place) => value.startsWith(`${place}/`) && existsSync(value))
    )
      throw new CommandError(`The input "${name}" of the build is a path, "${value}", and not what is there`);
    return value;
  });
}

/** Whether JSON can represent a value completely. */
function isPlain(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return !["function", "symbol"].includes(typeof value);
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
}

function isMade(value: unknown): value is Made {
  if (typeof value !== "object" || value === null) return false;
  return "digest" in value && "path" in value && Object.keys(value).length === 2;
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
