import { describe, expect, test } from "bun:test";
import { CLEAR_LINE, showStep, stepLine } from "../../../../lib/make/build/step-line.ts";

describe("stepLine()", () => {
  test("tells how much is left, by the last time", () => {
    expect(stepLine("userland", 60, 240)).toBe("userland: 1:00, 3:00 left [======                  ]");
  });

  test("promises nothing where it knows nothing, or where it takes longer", () => {
    expect(stepLine("kernel", 12, undefined)).toBe("kernel: 12 s");
    expect(stepLine("kernel", 12, 10)).toBe("kernel: 12 s, longer than the last time");
  });
});

test("showStep() shows the innermost step on a terminal, takes its line away, and draws nothing elsewhere", async () => {
  const drawn: string[] = [];
  const logged: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const terminal = {
    isTTY: true,
    write: (text: string) => {
      drawn.push(text);
      resolve();
    },
  };
  {
    using _elsewhere = showStep("elsewhere", 1, { write: (text) => logged.push(text) });
    using _outer = showStep("outer", undefined, terminal);
    using _inner = showStep("inner", 100, terminal);
    await promise;
  }
  expect(drawn).toEqual([`${CLEAR_LINE}${stepLine("inner", 1, 100)}`, CLEAR_LINE, CLEAR_LINE]);
  expect(logged).toEqual([]);
});
