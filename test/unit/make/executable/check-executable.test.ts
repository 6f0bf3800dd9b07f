import { describe, expect, test } from "bun:test";
import { checkExecutable } from "../../../../lib/make/executable/check-executable.ts";
import { PT } from "../../../../lib/tools/fs/elf-header.ts";
import { targetOf } from "../../../../lib/tools/host/targets.ts";
import { elfFile, segment } from "../../../support/elf.ts";

describe("checkExecutable()", () => {
  const target = targetOf("amd64");
  const content = "\0".repeat(512);
  const check = (file: Buffer) => () => checkExecutable(file, target);

  test("accepts a static executable", () => {
    expect(check(elfFile({ segments: [segment({})], content }))).not.toThrow();
  });

  test("names all that is wrong", () => {
    const segments = [
      segment({ type: PT.interp }),
      segment({ type: PT.dynamic }),
      segment({ flags: 7 }),
      segment({ offset: 4096 }),
    ];
    expect(check(elfFile({ segments, machine: 40, content }))).toThrow(
      "The executable for amd64 is for machine 40, not 62, wants an interpreter, has a dynamic section, " +
        "is cut off, has writable code",
    );
  });

  test("refuses what is no ELF file, and what ends within its headers", () => {
    expect(check(Buffer.from("#!/bin/sh\n"))).toThrow("Not an ELF file");
    expect(check(elfFile({ segments: [segment({})] }).subarray(0, 80))).toThrow("cut off");
  });
});
