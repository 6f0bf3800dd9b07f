import type { Change, Field, StructField } from "./field.ts";
import { SCHEMA } from "./schema.ts";

/** What a change of a setting needs, in words, from the least to the most. */
export const CHANGE_WORDS: Readonly<Record<Change, string>> = {
  live: "live",
  k3s: "restarts k3s",
  reboot: "needs a reboot",
  install: "only the installer",
};

/** Every setting that has a value of its own, by its canonical path (`k3os.serverUrl`), with what a change of it needs. */
export function settings(): ReadonlyMap<string, Setting> {
  return new Map(settingsOf(SCHEMA, "", undefined).map((setting) => [setting.path, setting]));
}

export interface Setting {
  readonly path: string;
  readonly field: Exclude<Field, StructField>;
  readonly change: Change;
}

function settingsOf(struct: StructField, prefix: string, inherited: Change | undefined): readonly Setting[] {
  return Object.entries(struct.fields).flatMap(([name, field]): readonly Setting[] => {
    const path = `${prefix}${name}`;
    const change = field.change ?? inherited;
    if (field.kind === "struct") return settingsOf(field, `${path}.`, change);
    if (change === undefined) throw new TypeError(`${path} does not say what a change of it needs`);
    return [{ path, field, change }];
  });
}
