/** When a setting takes effect; `runtime` is the phase with the network up, `install` only the installer. */
export type Phase = "initrd" | "boot" | "runtime" | "install";

/**
 * What a change of a setting on a running node needs: nothing more than to be applied (`live`), a restart of k3s, a
 * reboot, or an installation, because only the installer reads it.
 */
export type Change = "live" | "k3s" | "reboot" | "install";

export const EVERY_PHASE: readonly Phase[] = ["initrd", "boot", "runtime"];

/** The form of a string, and its description for messages. The empty string is always valid: it clears a setting. */
export interface Form {
  /**
   * Source of a regular expression, compiled only when a string is checked: most runs of the program check few strings.
   */
  readonly pattern: string;
  readonly expected: string;
}

/** A problem with a value that has the right form. */
export interface Flaw {
  /** The found and the expected value. Never contains a secret. */
  readonly message: string;
  /**
   * The value is used anyway, with a message of this severity: its consumer is to refuse it rather than run without it,
   * or treats it differently. Without this, the value is left out, as an error.
   */
  readonly kept?: "error" | "warning";
}

/** The common properties of all declarations. */
export interface Described {
  /** One or two sentences for the reference. */
  readonly description?: string;
  /** Phases in which the setting is applied; inherited by the fields below. */
  readonly phases?: readonly Phase[];
  /** What a change of the setting needs; inherited by the fields below. */
  readonly change?: Change;
  /** A value as a user would write it; the reference shows it and a test parses it. */
  readonly example?: unknown;
  /** Never shown in messages, explanations or logs. */
  readonly secret?: boolean;
  /** Shown on the machine, but removed from data that leaves it (`k3os support`): it may contain a secret. */
  readonly private?: boolean;
  /** Names besides the derived spellings (names.ts). */
  readonly aliases?: readonly string[];
}

export interface TextField extends Described {
  readonly kind: "text";
  readonly form?: Form;
  /** Checks a string, never the empty one, beyond its form. */
  readonly judge?: (text: string) => Flaw | undefined;
  /** May contain line breaks and other control characters; otherwise they are refused. */
  readonly multiline?: boolean;
  /** Without this field, a list entry is meaningless and dropped. */
  readonly required?: boolean;
  /** An argument of a program: the value of a flag with the name of a secret is never shown. */
  readonly argument?: boolean;
  /** Bytes that are not text are kept as base64, and the adjacent field of this name states this. */
  readonly bytesBy?: string;
}

export interface EntryFlaw extends Pick<Flaw, "message"> {
  /** Of the field. */
  readonly name: string;
}

export interface FlagField extends Described {
  readonly kind: "flag";
}

export interface MapField<Value extends MapValue = MapValue> extends Described {
  readonly kind: "map";
  readonly key: TextField;
  readonly value: Value;
  /** The keys are options of a program: the value of an option with the name of a secret is never shown. */
  readonly options?: boolean;
}

/** The value of a key in a map: a string, a list of strings, or fields with fixed names. */
export type MapValue = TextField | ListField<TextField> | StructField;

export interface ListField<Item extends TextField | StructField = TextField | StructField> extends Described {
  readonly kind: "list";
  readonly item: Item;
}

export interface StructField<Fields extends FieldTable = FieldTable> extends Described {
  readonly kind: "struct";
  readonly fields: Fields;
  /** Checks an entry of a list with valid fields: the problem of one field in combination with the others. */
  readonly judge?: (entry: Readonly<Record<string, unknown>>) => EntryFlaw | undefined;
}

export type Field = TextField | FlagField | MapField | ListField | StructField;
export type FieldTable = { readonly [name: string]: Field };

type RequiredNames<Fields extends FieldTable> = {
  [Name in keyof Fields]: Fields[Name] extends { readonly required: true } ? Name : never;
}[keyof Fields];

/** The TypeScript type of the valid values of a declaration. */
export type ValueOf<F extends Field> =
  F extends StructField<infer Fields>
    ? { readonly [Name in RequiredNames<Fields>]: ValueOf<Fields[Name]> } & {
        readonly [Name in Exclude<keyof Fields, RequiredNames<Fields>>]?: ValueOf<Fields[Name]>;
      }
    : F extends ListField<infer Item>
      ? readonly ValueOf<Item>[]
      : F extends MapField<infer Value>
        ? Readonly<Record<string, ValueOf<Value>>>
        : F extends FlagField
          ? boolean
          : string;

export function text<const Options extends Omit<TextField, "kind">>(options?: Options) {
  return { kind: "text", ...(options as Options) } as const;
}

export function flag(options: Described): FlagField {
  return { kind: "flag", ...options };
}

export function list<const Item extends TextField | StructField>(
  item: Item,
  options: Described,
): ListField<Item> {
  return { kind: "list", item, ...options };
}

export function map(options: Omit<Partial<MapField<TextField>>, "kind">): MapField<TextField> {
  return { key: text(), value: text(), ...options, kind: "map" };
}

/** A map with other values than strings. */
export function mapOf<const Value extends MapValue>(
  value: Value,
  options: Omit<Partial<MapField>, "kind" | "value">,
): MapField<Value> {
  return { key: text(), ...options, value, kind: "map" };
}

export function struct<const Fields extends FieldTable>(
  fields: Fields,
  options: Omit<StructField, "kind" | "fields"> = {},
): StructField<Fields> {
  return { kind: "struct", fields, ...options };
}
