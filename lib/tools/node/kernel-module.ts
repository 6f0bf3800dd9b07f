import { CommandError } from "../text/errors.ts";

/** An entry of `k3os.modules`. */
export interface NamedModule {
  readonly name: string;
  /** `PARAMETER=VALUE` */
  readonly parameters: readonly string[];
}

/** Reads `NAME [PARAMETER=VALUE …]`. Throws CommandError if it does not begin with a name. */
export function parseModule(entry: string): NamedModule {
  const [name = "", ...parameters] = entry.trim().split(/ +/);
  if (/^[A-Za-z0-9_][\w.:*-]*$/.test(name)) return { name, parameters };
  throw new CommandError(`Found the module name "${name}": expected letters, digits, "_" and "-"`);
}

/** The kernel knows modules with `_` only; users and files write `-` as well. */
export function kernelName(name: string): string {
  return name.replaceAll("-", "_");
}
