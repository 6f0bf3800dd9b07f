import { nearest } from "../../tools/text/nearest.ts";
import table from "./k3s-options.json" with { type: "json" };

export type Role = "server" | "agent";

/** The properties of a k3s option. */
export type Option =
  | { readonly kind: "known"; readonly name: string; readonly takesValue: boolean }
  /** The option exists only in the other role. */
  | { readonly kind: "foreign"; readonly name: string; readonly takesValue: boolean }
  | {
      readonly kind: "removed";
      readonly since: string;
      readonly instead?: string;
      readonly takesValue: boolean;
    }
  | { readonly kind: "unknown"; readonly near: string | undefined };

/** Options, values and variables that k3s no longer accepts. */
export interface Removed {
  readonly since: string;
  readonly instead: string;
}

/** The k3s release of this table. */
export const TABLE_OF = table.version;

interface Known {
  readonly name: string;
  readonly takesValue: boolean;
}

function optionsOf(role: Role): ReadonlyMap<string, Known> {
  const options = new Map<string, Known>();
  for (const { values, switches } of [table.both, table[role]]) {
    for (const [words, takesValue] of [[values, true] as const, [switches, false] as const]) {
      for (const spellings of words.split(" ").filter((word) => word !== "")) {
        const [name = "", ...short] = spellings.split("|");
        for (const spelling of [name, ...short]) options.set(spelling, { name, takesValue });
      }
    }
  }
  return options;
}

/** An option by its name without dashes. */
export function findOption(name: string, role: Role): Option {
  const own = optionsOf(role);
  const known = own.get(name);
  if (known !== undefined) return { kind: "known", ...known };
  const foreign = optionsOf(role === "server" ? "agent" : "server").get(name);
  if (foreign !== undefined) return { kind: "foreign", ...foreign };
  const removed = table.removed.find(({ option }) => option === name);
  if (removed === undefined) return { kind: "unknown", near: nearest(name, own.keys()) };
  const { since, instead, switch: isSwitch = false } = removed;
  return { kind: "removed", since, takesValue: !isSwitch, ...(instead === undefined ? {} : { instead }) };
}

const REPEATABLE = new Set(table.repeatable.split(" "));

/** Whether the values of an option add up; otherwise the last one counts. `name` is the long one. */
export function isRepeatable(name: string): boolean {
  return REPEATABLE.has(name);
}

/** The replacement of a value that an option no longer accepts; undefined for all other values. */
export function findRemovedValue(option: string, value: string): Removed | undefined {
  return table.removedValues.find((removed) => removed.option === option && removed.value === value);
}

/**
 * The replacement of an argument that an option passes on, such as `address=0.0.0.0` of the scheduler; undefined for
 * all others.
 */
export function findRemovedArgument(option: string, argument: string): Removed | undefined {
  return table.removedArguments.find(
    ({ options, names }) => options.includes(option) && names.split(" ").includes(argument),
  );
}

/** The replacement of an environment variable that k3s no longer reads; undefined for all others. */
export function removedVariable(name: string): Removed | undefined {
  return table.removedVariables.find(({ variable }) => variable === name);
}
