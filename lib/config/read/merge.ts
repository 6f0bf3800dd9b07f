import type { StructField } from "../schema/field.ts";
import { type CloudConfig, SCHEMA } from "../schema/schema.ts";
import type { Diagnostic } from "./diagnostics.ts";
import type { Layer, Setting, SettingValue } from "./setting.ts";

/** For each path that is set, all its settings, lowest precedence first. */
export type Origins = ReadonlyMap<string, readonly Setting[]>;

export interface Merged {
  readonly config: CloudConfig;
  readonly diagnostics: readonly Diagnostic[];
  /** The sources of each setting by canonical path (`k3os.serverUrl`); the last one takes effect. */
  readonly origins: Origins;
}

/**
 * Merges layers given from lowest to highest precedence. Sections are merged; the later layer replaces all other values
 * (strings, lists, maps) completely, unless its setting is an addition.
 */
export function mergeLayers(layers: readonly Layer[]): Merged {
  const origins = new Map<string, Setting[]>();
  const diagnostics: Diagnostic[] = [];
  for (const layer of layers) {
    diagnostics.push(...layer.diagnostics);
    for (const setting of layer.settings) {
      const below = origins.get(setting.path);
      if (below === undefined) origins.set(setting.path, [setting]);
      else below.push(setting);
    }
  }
  // the declaration that created the settings also defines the type
  return { config: build(SCHEMA, "", origins) as CloudConfig, diagnostics, origins };
}

/** The combined value of several settings of one field, lowest precedence first. */
export function effectiveValue(settings: readonly Setting[]): SettingValue | undefined {
  let value: SettingValue | undefined;
  for (const { value: next, adds } of settings) {
    value = adds && Array.isArray(value) && Array.isArray(next) ? union(value, next) : next;
  }
  return value;
}

function union<Item>(below: readonly Item[], added: readonly Item[]): Item[] {
  return [...below, ...added.filter((item) => !below.includes(item))];
}

function build(struct: StructField, prefix: string, origins: Origins): Readonly<Record<string, unknown>> {
  const built: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(struct.fields)) {
    const path = `${prefix}${name}`;
    if (field.kind === "struct") {
      const section = build(field, `${path}.`, origins);
      if (Object.keys(section).length > 0) built[name] = section;
    } else {
      const value = effectiveValue(origins.get(path) ?? []);
      if (value !== undefined) built[name] = value;
    }
  }
  return built;
}
