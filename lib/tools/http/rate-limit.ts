import type { Clock } from "../host/host.ts";

/** Slows a download down to a rate. */
export interface RateLimit {
  /** Waits as long as the rate requires after this many bytes, or until the signal aborts. */
  pass(bytes: number, signal: AbortSignal): Promise<void>;
}

/** Milliseconds of the rate that may be caught up after a silence: otherwise a burst follows it. */
const CREDIT = 1_000;

/** A limit of `rate` bytes per second, on average. */
export function createRateLimit(rate: number, clock: Pick<Clock, "monotonic" | "sleep">): RateLimit {
  let due = clock.monotonic(); // when the rate has had the bytes so far
  return {
    pass: async (bytes, signal) => {
      const now = clock.monotonic();
      due = Math.max(due, now - CREDIT) + (bytes * 1000) / rate;
      if (due <= now || signal.aborted) return;
      const { promise: aborted, resolve } = Promise.withResolvers<void>();
      const stop = () => resolve();
      signal.addEventListener("abort", stop, { once: true });
      await Promise.race([clock.sleep(due - now), aborted]);
      signal.removeEventListener("abort", stop);
    },
  };
}
