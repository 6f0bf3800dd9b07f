import { describe, expect, test } from "bun:test";
import type { DynamicSymbol } from "../../../../lib/make/executable/elf.ts";
import { missingSymbols } from "../../../../lib/make/executable/symbols.ts";

function symbol(name: string, given: Partial<DynamicSymbol> = {}): DynamicSymbol {
  return { name, defined: false, weak: false, copied: false, ...given };
}

describe("missingSymbols()", () => {
  const libraries = [symbol("malloc", { defined: true }), symbol("_ZSt9terminatev", { defined: true })];

  test("is empty where the libraries define all that is needed", () => {
    const program = [symbol(""), symbol("malloc"), symbol("main", { defined: true })];
    expect(missingSymbols(program, libraries)).toEqual([]);
  });

  test("names functions, and values that are to be copied, which no library has", () => {
    const program = [symbol("quick_exit"), symbol("_ZTVSt9exception", { defined: true, copied: true })];
    expect(missingSymbols(program, libraries)).toEqual(["quick_exit", "_ZTVSt9exception"]);
  });

  test("leaves out weak ones: the program does without", () => {
    expect(missingSymbols([symbol("__gmon_start__", { weak: true })], libraries)).toEqual([]);
  });

  test("does not take one library's need for its presence", () => {
    expect(missingSymbols([symbol("qsort_r")], [symbol("qsort_r")])).toEqual(["qsort_r"]);
  });
});
