import { describe, expect, test } from "bun:test";
import { createProgress, formatBytes, formatDuration } from "../../../../lib/tools/terminal/progress.ts";

const MIB = 1 << 20;

function screen(options: { isTTY: boolean; columns?: number }) {
  const written: string[] = [];
  return { ...options, written, write: (text: string) => written.push(text) };
}

function manualClock() {
  let time = 0;
  return {
    monotonic: () => time,
    pass: (milliseconds: number) => {
      time += milliseconds;
    },
  };
}

describe("createProgress() on a terminal", () => {
  test("draws one line over and over, with bar, rate and time left", () => {
    const stream = screen({ isTTY: true, columns: 100 });
    const clock = manualClock();
    const progress = createProgress("Copying", 100 * MIB, stream, clock);
    clock.pass(1000);
    progress.update(25 * MIB);
    expect(stream.written).toEqual([
      `\rCopying: 25 %, 25 MiB of 100 MiB, 25 MiB/s, 3 s left [${"=".repeat(10)}${" ".repeat(30)}]\x1b[K`,
    ]);
  });

  test("draws at most ten times a second", () => {
    const stream = screen({ isTTY: true });
    const clock = manualClock();
    const progress = createProgress("Copying", 1000, stream, clock);
    for (let done = 0; done < 1000; done++) {
      clock.pass(1);
      progress.update(done);
    }
    expect(stream.written.length).toBeGreaterThan(5);
    expect(stream.written.length).toBeLessThanOrEqual(10);
  });

  test("never draws wider than the terminal", () => {
    const stream = screen({ isTTY: true, columns: 30 });
    const clock = manualClock();
    const progress = createProgress("Copying something with a long name", 100 * MIB, stream, clock);
    clock.pass(1000);
    progress.update(25 * MIB);
    expect(stream.written[0]?.replace("\r", "").replace("\x1b[K", "").length).toBe(29);
  });

  test("takes a serial line, which says that it has no columns, to have 80", () => {
    const stream = screen({ isTTY: true, columns: 0 });
    const clock = manualClock();
    const progress = createProgress("Copying", 100 * MIB, stream, clock);
    clock.pass(1000);
    progress.update(25 * MIB);
    expect(stream.written[0]?.replace("\r", "").replace("\x1b[K", "").length).toBe(79);
    expect(stream.written[0]).toContain(" left [===");
  });

  test("measures the rate of the last seconds, not of all time", () => {
    const stream = screen({ isTTY: true, columns: 200 });
    const clock = manualClock();
    const progress = createProgress("Copying", 1000 * MIB, stream, clock);
    let done = 0;
    for (let second = 0; second < 20; second++) {
      clock.pass(1000);
      done += (second < 10 ? 50 : 1) * MIB;
      progress.update(done);
    }
    expect(stream.written.at(-1)).toContain(", 1.0 MiB/s, ");
  });

  test("ends the line when the work fails", () => {
    const stream = screen({ isTTY: true });
    {
      using progress = createProgress("Copying", 100, stream, manualClock());
      progress.update(5);
    }
    expect(stream.written.at(-1)).toBe("\n");
  });
});

describe("createProgress() elsewhere", () => {
  test("writes a line for every tenth", () => {
    const stream = screen({ isTTY: false });
    const clock = manualClock();
    const progress = createProgress("Copying", 1000, stream, clock);
    for (let done = 1; done <= 1000; done++) {
      clock.pass(1);
      progress.update(done);
    }
    progress.finish();
    expect(stream.written).toHaveLength(11);
    expect(stream.written[0]).toBe("Copying: 10 %, 100 B of 1000 B, 1000 B/s, 0.9 s left\n");
    expect(stream.written.at(-1)).toBe("Copying: 1000 B in 1 s, 1000 B/s\n");
  });

  test("writes a line every ten seconds when that is sooner", () => {
    const stream = screen({ isTTY: false });
    const clock = manualClock();
    const progress = createProgress("Copying", 1000, stream, clock);
    for (let second = 1; second <= 30; second++) {
      clock.pass(1000);
      progress.update(second);
    }
    expect(stream.written).toHaveLength(3);
  });

  test("shows what is done where the size is unknown", () => {
    const stream = screen({ isTTY: false });
    const clock = manualClock();
    const progress = createProgress("Copying", undefined, stream, clock);
    clock.pass(10_000);
    progress.update(20 * MIB);
    expect(stream.written).toEqual(["Copying: 20 MiB, 2.0 MiB/s\n"]);
  });

  test("says nothing more after the end", () => {
    const stream = screen({ isTTY: false });
    const progress = createProgress("Copying", 10, stream, manualClock());
    progress.finish();
    progress.update(10);
    progress.finish();
    progress[Symbol.dispose]();
    expect(stream.written).toHaveLength(1);
  });
});

test.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1024, "1.0 KiB"],
  [1536, "1.5 KiB"],
  [10 * 1024, "10 KiB"],
  [300 * MIB, "300 MiB"],
  [1.5 * 1024 * MIB, "1.5 GiB"],
])("formatBytes(%p) is %p", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  [0.44, "0.4 s"],
  [12, "12 s"],
  [65, "1:05"],
  [3725, "1:02:05"],
])("formatDuration(%p) is %p", (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});
