import { describe, expect, test } from "bun:test";
import { createRateLimit } from "../../../../lib/tools/http/rate-limit.ts";

/** A clock that only goes on when somebody waits, or is told. */
function manualClock() {
  let now = 0;
  return {
    monotonic: () => now,
    sleep: async (milliseconds: number) => {
      now += milliseconds;
    },
    pass: (milliseconds: number) => {
      now += milliseconds;
    },
  };
}

const { signal } = new AbortController();

describe("createRateLimit()", () => {
  test("takes a second for the bytes of a second", async () => {
    const clock = manualClock();
    const limit = createRateLimit(1000, clock);
    for (let i = 0; i < 10; i++) await limit.pass(500, signal);
    expect(clock.monotonic()).toBe(5000);
  });

  test("does not wait for a server that is slower", async () => {
    const clock = manualClock();
    const limit = createRateLimit(1000, clock);
    for (let i = 0; i < 5; i++) {
      clock.pass(1000);
      await limit.pass(500, signal);
    }
    expect(clock.monotonic()).toBe(5000);
  });

  test("lets no burst follow a silence", async () => {
    const clock = manualClock();
    const limit = createRateLimit(1000, clock);
    clock.pass(3_600_000);
    await limit.pass(10_000, signal);
    expect(clock.monotonic()).toBe(3_600_000 + 9_000);
  });

  test("ends its wait when the signal aborts", async () => {
    const limit = createRateLimit(1, { monotonic: () => 0, sleep: () => new Promise(() => undefined) });
    const controller = new AbortController();
    const wait = limit.pass(1_000_000, controller.signal);
    controller.abort();
    await wait;
    await limit.pass(1_000_000, controller.signal);
  });
});
