import { isDeepStrictEqual } from "node:util";
import { formatPlace } from "../read/diagnostics.ts";
import { effectiveValue, type Origins } from "../read/merge.ts";
import { CHANGE_WORDS, settings } from "../schema/changes.ts";
import type { Change } from "../schema/field.ts";
import { snakeCase } from "../schema/names.ts";
import { shownValue } from "./explain-settings.ts";

/** A setting with another value than before. */
export interface Difference {
  /** As a user writes it: `k3os.server_url`. */
  readonly key: string;
  readonly change: Change;
  /** On one line and without secrets; undefined if it was not set. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** The settings that differ between two configurations, in the order of the schema. */
export function differences(before: Origins, after: Origins): readonly Difference[] {
  return [...settings().values()].flatMap(({ path, field, change }): Difference[] => {
    const [old, next] = [before, after].map((origins) => effectiveValue(origins.get(path) ?? []));
    if (isDeepStrictEqual(old, next)) return [];
    const shown = (value: unknown) => (value === undefined ? undefined : shownValue(field, value));
    return [{ key: snakeCase(path), change, before: shown(old), after: shown(next) }];
  });
}

/** The settings of a source that do not count, because a later source sets them too, one message each. */
export function withoutEffect(origins: Origins, source: string): readonly string[] {
  return [...origins].flatMap(([path, set]) => {
    const last = set.at(-1);
    const isReplaced = set.some(({ place }) => place.source === source) && last?.place.source !== source;
    if (last === undefined || !isReplaced || last.adds) return [];
    return [`${snakeCase(path)}: ${formatPlace(last.place)} sets it too, and counts`];
  });
}

/** The differences as lines for a screen: each setting with what its change needs, its old and its new value. */
export function describeDifferences(found: readonly Difference[]): string {
  if (found.length === 0) return "Nothing changes\n";
  return found
    .map(({ key, change, before, after }) => {
      const values = [
        before === undefined ? [] : [`  - ${before}\n`],
        after === undefined ? [] : [`  + ${after}\n`],
      ];
      return `${key} (${CHANGE_WORDS[change]})\n${values.flat().join("")}`;
    })
    .join("");
}
