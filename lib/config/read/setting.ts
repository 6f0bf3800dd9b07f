import type { Diagnostic, Place } from "./diagnostics.ts";

export type Entry = Readonly<Record<string, string | boolean>>;
export type SettingValue =
  | string
  | boolean
  | readonly string[]
  | readonly Entry[]
  | Readonly<Record<string, string>>;

/** One value that one source gives to one field. */
export interface Setting {
  /** Canonical names joined by dots: `k3os.install.forceEfi`. */
  readonly path: string;
  readonly value: SettingValue;
  readonly place: Place;
  /** A list whose items are added to those of the sources before it instead of replacing them. */
  readonly adds?: boolean;
}

/** What one source says. Sections have no settings of their own: they merge because each field is set by itself. */
export interface Layer {
  readonly settings: readonly Setting[];
  readonly diagnostics: readonly Diagnostic[];
}

export const NOTHING: Layer = { settings: [], diagnostics: [] };
