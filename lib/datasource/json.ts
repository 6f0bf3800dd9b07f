import { CommandError } from "../tools/text/errors.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** Parses an answer or a file as a JSON object; messages call it `from`. Throws CommandError. */
export function parseObject(bytes: Uint8Array, from: string): JsonObject {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    if (isObject(value)) return value;
  } catch (cause) {
    throw new CommandError(`Cannot use "${from}": expected a JSON object`, { cause });
  }
  throw new CommandError(`Cannot use "${from}": expected a JSON object`);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value at a path of keys and indexes; undefined if the path does not exist. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let found = value;
  for (const step of path) {
    if (typeof step === "number") found = Array.isArray(found) ? found[step] : undefined;
    else found = isObject(found) && Object.hasOwn(found, step) ? found[step] : undefined;
  }
  return found;
}

/** A string or number at a path, as a string; undefined if there is none. */
export function textAt(value: unknown, ...path: readonly (string | number)[]): string | undefined {
  const found = at(value, ...path);
  if (typeof found === "number") return String(found);
  return typeof found === "string" && found !== "" ? found : undefined;
}

/** The strings of a list at a path; a single string counts as a list of one. Entries of other types are left out. */
export function textsAt(value: unknown, ...path: readonly (string | number)[]): string[] {
  const found = at(value, ...path);
  if (typeof found === "string") return [found];
  return Array.isArray(found) ? found.filter((entry) => typeof entry === "string") : [];
}
