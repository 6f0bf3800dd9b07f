import type { Diagnostic } from "./diagnostics.ts";
import { GENERATED, writtenBy } from "./generated-files.ts";
import { effectiveValue, type Merged, mergeLayers, type Origins } from "./merge.ts";
import { joinPath, snakeCase } from "./names.ts";
import type { Layer } from "./setting.ts";

/** What is to be judged: all that the sources say together. */
type Judged = Pick<Merged, "config" | "origins">;

/** What is read correctly, and yet is not what its author wants; each looks at a whole, not at single values. */
const RULES: readonly ((judged: Judged) => readonly Diagnostic[])[] = [filesOverKeys];

/** What layers make together ({@link mergeLayers}), and all that is to be said about it. */
export function judgeLayers(layers: readonly Layer[]): Merged {
  const merged = mergeLayers(layers);
  return { ...merged, diagnostics: [...merged.diagnostics, ...RULES.flatMap((rule) => rule(merged))] };
}

/** A file that the user writes is not made of settings: those that are there nevertheless do not reach it. */
function filesOverKeys({ config, origins }: Judged): readonly Diagnostic[] {
  const place = origins.get("writeFiles")?.at(-1)?.place;
  return Object.values(GENERATED).flatMap((file): Diagnostic[] => {
    const index = writtenBy(file, config);
    const entry = config.writeFiles?.[index];
    const keys = file.keys.filter((key) => isSet(key, origins));
    if (place === undefined || entry === undefined || keys.length === 0) return [];
    const path = joinPath(joinPath("write_files", index), "path");
    const message = `found ${JSON.stringify(entry.path)} beside ${keys.join(" and ")}: the file counts, and nothing else is written to it`;
    return [{ severity: "warning", place, path, message }];
  });
}

/** Whether a setting, named as it is written, says anything: an empty value clears it. */
function isSet(key: string, origins: Origins): boolean {
  const [, settings = []] = [...origins].find(([path]) => snakeCase(path) === key) ?? [];
  const value = effectiveValue(settings);
  return typeof value === "object" ? Object.keys(value).length > 0 : value !== undefined && value !== "";
}
