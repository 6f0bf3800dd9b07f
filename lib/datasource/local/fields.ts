import { isObject } from "../json.ts";

/** The fields with a value. */
export function withoutUndefined<T extends object>(fields: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

/**
 * Keys from a string, a list, a map from names to keys, or EC2's map to `{"openssh-key": KEY}`. Undefined if there are
 * none.
 */
export function publicKeys(value: unknown): string[] | undefined {
  const lines = keyLines(value);
  return lines.length === 0 ? undefined : lines;
}

function keyLines(value: unknown): string[] {
  if (typeof value === "string") return value.split("\n").filter((line) => line.trim() !== "");
  if (Array.isArray(value)) return value.flatMap(keyLines);
  if (!isObject(value)) return [];
  return "openssh-key" in value ? keyLines(value["openssh-key"]) : Object.values(value).flatMap(keyLines);
}
