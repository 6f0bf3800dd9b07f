import { describe, expect, test } from "bun:test";
import { byTurns, figureLine, median, ratio } from "../../bench/figure.ts";

describe("median()", () => {
  test.each([
    [[5], 5],
    [[9, 1, 5], 5],
    [[4, 1, 2, 100], 3],
  ])("of %j is %d", (values, wanted) => {
    expect(median(values)).toBe(wanted);
  });

  test("throws on no values", () => {
    expect(() => median([])).toThrow(RangeError);
  });
});

test("byTurns() takes turns, ours first", async () => {
  const turns: string[] = [];
  const turn = (who: string, time: number) => () => {
    turns.push(who);
    return time;
  };
  expect(await byTurns(2, turn("ours", 3), turn("theirs", 2))).toEqual({ ours: [3, 3], theirs: [2, 2] });
  expect(turns).toEqual(["ours", "theirs", "ours", "theirs"]);
});

describe("figureLine()", () => {
  const figure = ratio("boot", 1.2, { ours: [3000, 2400, 9000], theirs: [2000] }, "a stock Debian");

  test("gives the ratio of the medians, the aim and what was measured", () => {
    expect(figureLine(figure)).toMatch(
      /^boot +1\.50 × +MISS, aim ≤ 1\.2 × +3\.0 s against 2\.0 s for a stock Debian/,
    );
  });

  test("says pass up to and with the aim itself", () => {
    expect(figureLine({ ...figure, value: 1.2 })).toContain("pass");
  });

  test("gives no verdict without an aim", () => {
    expect(figureLine({ ...figure, aim: undefined })).not.toMatch(/pass|MISS/);
  });
});
