import { readFileSync } from "node:fs";
import { CommandError } from "../../tools/text/errors.ts";
import { dynamicSymbols } from "./elf.ts";

/** The loader and the C++ support library to fuse with a program for musl: paths, or results of steps. */
export interface Loader<File> {
  /** musl's libc.so with our loader in it. */
  readonly libc: File;
  /** The C++ support library. */
  readonly library: File;
}

/**
 * Throws with the names if `program` needs symbols that the loader and the support library lack: otherwise the runtime
 * would only fail at its first start.
 */
export function checkSymbols(program: Buffer, loader: Loader<string>): void {
  const present = [loader.libc, loader.library].flatMap((file) => dynamicSymbols(readFileSync(file)));
  const missing = missingSymbols(dynamicSymbols(program), present);
  if (missing.length === 0) return;
  throw new CommandError(`This version of Bun needs symbols that the loader lacks: ${missing.join(", ")}`, {
    hint: "C++ symbols: check them against libstdc++'s source, and add them to lib/make/executable/loader/cxx-symbols.txt",
  });
}

type Symbols = ReturnType<typeof dynamicSymbols>;

/** Names that `program` needs (except weak ones) and `libraries` do not define. */
export function missingSymbols(program: Symbols, libraries: Symbols): string[] {
  const defined = new Set(libraries.filter((symbol) => symbol.defined).map((symbol) => symbol.name));
  return program
    .filter((symbol) => symbol.name !== "" && (symbol.copied || (!symbol.defined && !symbol.weak)))
    .map((symbol) => symbol.name)
    .filter((name) => !defined.has(name));
}
