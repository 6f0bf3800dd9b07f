import type { CloudConfig } from "../config/schema/schema.ts";
import type { Host } from "../tools/host/host.ts";
import { CommandError, messageOf } from "../tools/text/errors.ts";

/** The capabilities of the host that appliers need. */
export interface ApplyHost extends Pick<Host, "root" | "env" | "run" | "sh" | "log" | "clock" | "tell"> {
  /** Report changes, but make none. */
  readonly dryRun?: boolean;
}

/** Applies one part of the configuration. A second call with the same configuration changes nothing. */
export interface Applier {
  /** As users name it in reports. */
  readonly name: string;
  /** Milliseconds after which the next applier starts although this one still works; by default, the next one waits. */
  readonly patience?: number;
  /** Throws ItemErrors if single entries failed, or any other error. */
  apply(config: CloudConfig, host: ApplyHost): void | Promise<void>;
}

/** An entry of the configuration that could not be applied; `path` as the user writes it, `write_files[2]`. */
export interface ItemError {
  readonly path: string;
  readonly message: string;
  /** The previous result of the entry is still in effect. */
  readonly kept?: boolean;
}

/** Some entries failed; all others are in effect. */
export class ItemErrors extends CommandError {
  override readonly name = "ItemErrors";
  readonly items: readonly ItemError[];

  constructor(items: readonly ItemError[]) {
    super(items.map(({ path, message }) => `${path}: ${message}`).join("; "));
    this.items = items;
  }
}

type Items<T> = Iterable<readonly [path: string, item: T]>;

/** Calls `action` for each entry in order, even after a failure. Throws ItemErrors at the end if any failed. */
export async function forEachItem<T>(
  items: Items<T>,
  action: (item: T, path: string) => void | Promise<void>,
): Promise<void> {
  const errors: ItemError[] = [];
  for (const [path, item] of items) {
    try {
      await action(item, path);
    } catch (error) {
      errors.push({ path, message: messageOf(error) });
    }
  }
  throwErrors(errors);
}

/** The results of `check` for all entries, in order; `errors` has the entries for which it throws. */
export function checkItems<T, U>(
  items: Items<T>,
  check: (item: T) => U,
): { readonly good: readonly U[]; readonly errors: readonly ItemError[] } {
  const good: U[] = [];
  const errors: ItemError[] = [];
  for (const [path, item] of items) {
    try {
      good.push(check(item));
    } catch (error) {
      errors.push({ path, message: messageOf(error) });
    }
  }
  return { good, errors };
}

/** Throws ItemErrors unless there are none. */
export function throwErrors(errors: readonly ItemError[]): void {
  if (errors.length > 0) throw new ItemErrors(errors);
}

/** The entries of a list with the path of each: `k3os.modules[0]`. */
export function listItems<T>(path: string, list: readonly T[] | undefined): [string, T][] {
  return (list ?? []).map((item, index) => [`${path}[${index}]`, item]);
}

/** The entries of a map with the path of each: `k3os.sysctls[kernel.printk]`. */
export function mapItems(
  path: string,
  map: Readonly<Record<string, string>> | undefined,
): [string, readonly [key: string, value: string]][] {
  return Object.entries(map ?? {}).map((entry) => [`${path}[${entry[0]}]`, entry]);
}

/**
 * Returns the text. A control character is refused: it would change the meaning of the file or program input that the
 * value is written to. The message never shows the value, which may be a secret. Throws CommandError.
 */
export function plainText(text: string): string {
  const control = [...text].find((char) => char < " " || char === "\x7f");
  if (control === undefined) return text;
  const shown = control === "\n" ? "a line break" : `the control character ${JSON.stringify(control)}`;
  throw new CommandError(`Found ${shown}: expected a single line of text`);
}
