import { expect, test } from "bun:test";
import { compilerPackage } from "../../../../lib/make/executable/compiler.ts";
import { hostTarget } from "../../../../lib/tools/host/targets.ts";

test("compilerPackage() is the machine's own compiler, and a cross compiler for another one", () => {
  expect(compilerPackage("g++", hostTarget())).toBe("g++");
  expect(compilerPackage("gcc", { triplet: "mips-linux-gnu" })).toBe("gcc-mips-linux-gnu");
});
