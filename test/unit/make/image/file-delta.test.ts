import { describe, expect, test } from "bun:test";
import { changedRanges } from "../../../../lib/make/image/file-delta.ts";

const zeros = (length: number) => Buffer.alloc(length);

describe("changedRanges()", () => {
  test("finds none in the same content", () => {
    expect(changedRanges(zeros(10_000), zeros(10_000))).toEqual([]);
  });

  test("finds whole blocks, neighbours together", () => {
    const content = zeros(5 * 4096);
    for (const at of [4096, 2 * 4096 + 7, 4 * 4096]) content[at] = 1;
    expect(changedRanges(content, zeros(5 * 4096))).toEqual([
      [4096, 8192],
      [4 * 4096, 4096],
    ]);
  });

  test("finds what is behind the end of the base, from the block in which it ends", () => {
    expect(changedRanges(zeros(10_000), zeros(5000))).toEqual([[4096, 5904]]);
    expect(changedRanges(zeros(3), zeros(0))).toEqual([[0, 3]]);
  });
});
