import { readFileSync } from "node:fs";
import { CommandError } from "../../tools/text/errors.ts";
import { dynamicSymbols } from "./elf.ts";

/** The loader and the C++ support library that are fused with a program made for musl: paths, or what was made. */
export interface Loader<File> {
  /** musl's libc.so with our loader in it. */
  readonly libc: File;
  /** The C++ support library. */
  readonly library: File;
}

/**
 * Fails with the names when `program` asks for symbols that the loader and the support library do not have: the
 * runtime would only stop with an error when first started.
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

/** Names that `program` needs (weak ones excepted) and `libraries` do not define. */
export function missingSymbols(program: Symbols, libraries: Symbols): string[] {
  const defined = new Set(libraries.filter((symbol) => symbol.defined).map((symbol) => symbol.name));
  return program
    .filter((symbol) => symbol.name !== "" && (symbol.copied || (!symbol.defined && !symbol.weak)))
    .map((symbol) => symbol.name)
    .filter((name) => !defined.has(name));
}
