import type { Diagnostic, Place } from "./diagnostics.ts";

/** The fields of an entry in a list or map, or the keys of a map. */
export interface Entry {
  readonly [name: string]: SettingValue;
}
export type SettingValue = string | boolean | readonly string[] | readonly Entry[] | Entry;

/** The value of one field in one source. */
export interface Setting {
  /** Canonical names joined by dots: `k3os.install.forceEfi`. */
  readonly path: string;
  readonly value: SettingValue;
  readonly place: Place;
  /** A list whose items are added to those of the previous sources instead of replacing them. */
  readonly adds?: boolean;
}

/**
 * The content of one source. Sections have no settings of their own: they are merged because each field is set
 * separately.
 */
export interface Layer {
  readonly settings: readonly Setting[];
  readonly diagnostics: readonly Diagnostic[];
}

export const NOTHING: Layer = { settings: [], diagnostics: [] };
