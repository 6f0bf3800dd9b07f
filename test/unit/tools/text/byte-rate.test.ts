import { describe, expect, test } from "bun:test";
import { parseRate } from "../../../../lib/tools/text/byte-rate.ts";

describe("parseRate()", () => {
  test.each([
    ["1", 1],
    ["1000", 1000],
    ["500K", 512_000],
    ["500k", 512_000],
    ["2M", 2_097_152],
    ["1.5M", 1_572_864],
    ["1g", 1_073_741_824],
    ["10B", 10],
    [" 3K ", 3072],
  ])("reads %s as curl does", (text, rate) => {
    expect(parseRate(text)).toBe(rate);
  });

  test.each(["", "0", "0.1", "-1", "fast", "1X", "1 M", "1e6", "9999999999", "2Mbit", "M"])(
    "refuses %j",
    (text) => {
      expect(() => parseRate(text)).toThrow("expected bytes per second, such as 500K or 2M");
    },
  );
});
