/** When a setting takes effect; `runtime` is the phase with the network up, `install` only the installer. */
export type Phase = "initrd" | "boot" | "runtime" | "install";

export const EVERY_PHASE: readonly Phase[] = ["initrd", "boot", "runtime"];

/** What a text must look like, and how a message names that. The empty text always passes: it clears a setting. */
export interface Form {
  /** Source of a regular expression, made into one where a text is checked: most runs of the program check few. */
  readonly pattern: string;
  readonly wanted: string;
}

/** What is wrong with a value that has the right form. */
export interface Flaw {
  /** What was found, and what was wanted. Never contains a secret. */
  readonly message: string;
  /**
   * The value counts all the same, and this is how much of a problem that is: what it is for refuses it, and is to do so
   * rather than go on without it, or makes something else of it. Without this, the value is left out, as an error.
   */
  readonly kept?: "error" | "warning";
}

/** What every declaration may say beside its kind. */
export interface Described {
  /** One or two sentences for the reference. */
  readonly description?: string;
  /** Phases in which the setting is applied; inherited by what is below it. */
  readonly phases?: readonly Phase[];
  /** A value as a user would write it: the reference shows it and a test reads it. */
  readonly example?: unknown;
  /** Never shown in messages, explanations or logs. */
  readonly secret?: boolean;
  /** Shown on the machine, but left out of what may leave it (`k3os support`): it may well hold a secret. */
  readonly private?: boolean;
  /** Names besides the derived spellings (names.ts). */
  readonly aliases?: readonly string[];
}

export interface TextField extends Described {
  readonly kind: "text";
  readonly form?: Form;
  /** Looks at a text, never the empty one, for what no form can say. */
  readonly judge?: (text: string) => Flaw | undefined;
  /** May hold line breaks and other control characters; without it they are refused. */
  readonly multiline?: boolean;
  /** A list entry without it is meaningless and dropped. */
  readonly required?: boolean;
  /** An argument of a program: the value of a flag that is called like a secret is never shown. */
  readonly argument?: boolean;
  /** Bytes that are no text are kept as base64, and the field of this name beside it says so. */
  readonly bytesBy?: string;
}

export interface EntryFlaw extends Pick<Flaw, "message"> {
  /** Of the field. */
  readonly name: string;
}

export interface FlagField extends Described {
  readonly kind: "flag";
}

export interface MapField extends Described {
  readonly kind: "map";
  readonly key: TextField;
  readonly value: TextField;
}

export interface ListField<Item extends TextField | StructField = TextField | StructField> extends Described {
  readonly kind: "list";
  readonly item: Item;
}

export interface StructField<Fields extends FieldTable = FieldTable> extends Described {
  readonly kind: "struct";
  readonly fields: Fields;
  /** Looks at an entry of a list, all of whose fields are good: what is wrong with one of them beside the others. */
  readonly judge?: (entry: Readonly<Record<string, string | boolean>>) => EntryFlaw | undefined;
}

export type Field = TextField | FlagField | MapField | ListField | StructField;
export type FieldTable = { readonly [name: string]: Field };

type RequiredNames<Fields extends FieldTable> = {
  [Name in keyof Fields]: Fields[Name] extends { readonly required: true } ? Name : never;
}[keyof Fields];

/** The TypeScript type of the values that a declaration admits. */
export type ValueOf<F extends Field> =
  F extends StructField<infer Fields>
    ? { readonly [Name in RequiredNames<Fields>]: ValueOf<Fields[Name]> } & {
        readonly [Name in Exclude<keyof Fields, RequiredNames<Fields>>]?: ValueOf<Fields[Name]>;
      }
    : F extends ListField<infer Item>
      ? readonly ValueOf<Item>[]
      : F extends MapField
        ? Readonly<Record<string, string>>
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

export function map(options: Described & { readonly key?: TextField; readonly value?: TextField }): MapField {
  return { key: text(), value: text(), ...options, kind: "map" };
}

export function struct<const Fields extends FieldTable>(
  fields: Fields,
  options: Omit<StructField, "kind" | "fields"> = {},
): StructField<Fields> {
  return { kind: "struct", fields, ...options };
}
