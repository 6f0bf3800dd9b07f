import { describe, expect, test } from "bun:test";
import { parseWindows, windowAt, withinWindows } from "../../../lib/upgrade/upgrade-window.ts";
import { hurriedClock } from "../../support/host.ts";

/** In December 2026, whose first day is a Tuesday; by the clock of this machine. */
const at = (day: number, time: string) => {
  const [hour = 0, minute = 0] = time.split(":").map(Number);
  return new Date(2026, 11, day, hour, minute).getTime();
};

describe("parseWindows()", () => {
  test("reads days, ranges of days and times", () => {
    expect(parseWindows(["Mon-Fri 02:00-05:30", "sat,Sun 22:00 - 04:00; 12:00-13:00"])).toEqual([
      { days: [1, 2, 3, 4, 5], start: 120, end: 330 },
      { days: [6, 0], start: 1320, end: 240 },
      { days: [0, 1, 2, 3, 4, 5, 6], start: 720, end: 780 },
    ]);
    expect(parseWindows(["Fri-Mon 00:00-24:00"])).toEqual([{ days: [5, 6, 0, 1], start: 0, end: 1440 }]);
    expect(parseWindows([])).toEqual([]);
  });

  test.each([
    ...["Mon", "Mon-Fri", "02:00", "2:00-5:00", "02:00-02:00", "24:00-25:00", "02:60-03:00", "02:00-24:01"],
    ...[
      "Moon 02:00-03:00",
      "Mon-Wed-Fri 02:00-03:00",
      "Mon, 02:00-03:00",
      "Mon 02:00-03:00 Tue",
      "-Fri 02:00-03:00",
    ],
  ])("refuses %j", (text) => {
    expect(() => parseWindows([text])).toThrow("expected days and times such as");
  });
});

describe("windowAt()", () => {
  const state = (window: string, day: number, time: string) =>
    windowAt(parseWindows([window]), at(day, time));

  test("is open from its start to before its end, on its days", () => {
    expect(state("Mon-Fri 02:00-05:00", 1, "02:00")).toEqual({ kind: "open", until: at(1, "05:00") });
    expect(state("Mon-Fri 02:00-05:00", 1, "04:59")).toEqual({ kind: "open", until: at(1, "05:00") });
    expect(state("Mon-Fri 02:00-05:00", 1, "05:00")).toEqual({ kind: "closed", opens: at(2, "02:00") });
    expect(state("Mon-Fri 02:00-05:00", 4, "05:00")).toEqual({ kind: "closed", opens: at(7, "02:00") });
    expect(state("Tue 02:00-05:00", 1, "06:00")).toEqual({ kind: "closed", opens: at(8, "02:00") });
  });

  test("goes past midnight on the day of its start", () => {
    expect(state("Sat 22:00-04:00", 6, "03:59")).toEqual({ kind: "open", until: at(6, "04:00") });
    expect(state("Sat 22:00-04:00", 5, "03:00")).toEqual({ kind: "closed", opens: at(5, "22:00") });
  });

  test("is one with a window that follows at once", () => {
    expect(state("Mon 22:00-24:00; Tue 00:00-06:00", 7, "23:00")).toEqual({
      kind: "open",
      until: at(8, "06:00"),
    });
  });
});

describe("withinWindows()", () => {
  test("never ends without windows", () => {
    using within = withinWindows([], { clock: hurriedClock() });
    expect(within.signal.aborted).toBe(false);
  });

  test("refuses while they are closed, and says when the next one opens", () => {
    const clock = { ...hurriedClock(), now: () => at(1, "12:00") };
    expect(() => withinWindows(parseWindows(["Wed 02:00-03:00"]), { clock })).toThrow(
      "No window for upgrades is open now: the next one opens at 2026-12-02 02:00",
    );
  });

  test("aborts when they close", async () => {
    const clock = { ...hurriedClock(), now: () => at(1, "03:00") - 20 };
    using within = withinWindows(parseWindows(["02:00-03:00"]), { clock });
    expect(within.signal.aborted).toBe(false);
    await new Promise((resolve) => within.signal.addEventListener("abort", resolve));
    expect(() => within.signal.throwIfAborted()).toThrow("The window for upgrades has closed");
  });
});
