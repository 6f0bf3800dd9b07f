import { setTimeout as later } from "node:timers";
import type { Host } from "../host/host.ts";
import { hasDefaultRoute } from "./default-route.ts";
import { HttpError, TryError, transportFailure } from "./http-error.ts";

export interface RetryLimits {
  /** Timeout of an attempt without data from the server, in milliseconds. */
  readonly timeout: number;
  /** Milliseconds for all attempts together. */
  readonly deadline: number;
  /** The number of retries; an attempt that received data resets the count. */
  readonly retries: number;
  /** Ends everything at once. */
  readonly signal?: AbortSignal | undefined;
}

/** Passed to each attempt: its abort signal, and functions that report the activity of the server. */
export interface Try {
  readonly signal: AbortSignal;
  /** The server sent data: restarts the timeout. */
  alive(): void;
  /** The server waits for us: stops the timeout until {@link Try.alive}. */
  pause(): void;
  /** New data was kept: a later interruption does not count as the same failure. */
  progressed(): void;
}

const FIRST_WAIT = 500;
const LONGEST_WAIT = 5_000;
/** A server that requires a longer delay counts as down. */
const LONGEST_RETRY_AFTER = 30_000;

/**
 * Calls `action` until it succeeds, fails finally, or reaches the limits. A machine without a network does not retry:
 * the boot waits for the network before it starts us. `what` ("fetch "URL"") is part of the message. Throws HttpError;
 * errors other than transport errors (a full disk) are rethrown unchanged.
 */
export async function withTries<T>(
  what: string,
  limits: RetryLimits,
  action: (attempt: Try) => Promise<T>,
  host: Pick<Host, "log" | "clock">,
): Promise<T> {
  const started = host.clock.monotonic();
  let failures = 0;
  let last: TryError | undefined;
  for (let tries = 1; ; tries++) {
    if (limits.signal?.aborted) throw givenUp(what, limits.signal, tries - 1, last);
    const watch = watchTry(started + limits.deadline - host.clock.monotonic(), limits);
    let failure: Error;
    try {
      return await action(watch);
    } catch (error) {
      failure = watch.signal.aborted ? (watch.signal.reason as Error) : transportFailure(error);
    } finally {
      watch.stop();
    }
    if (limits.signal?.aborted) throw givenUp(what, limits.signal, tries, last);
    if (!(failure instanceof TryError)) {
      if (failure instanceof HttpError) throw new HttpError(`Cannot ${what}: ${failure.message}`, failure);
      throw failure;
    }
    if (failure.noWay && !hasDefaultRoute()) {
      throw new HttpError(`Cannot ${what}: ${failure.message}, and this machine has no default route`);
    }
    last = failure;
    failures = watch.hasProgressed() ? 1 : failures + 1;
    const wait = Math.min(
      Math.max(Math.min(FIRST_WAIT * 2 ** (failures - 1), LONGEST_WAIT), failure.retryAfter ?? 0),
      LONGEST_RETRY_AFTER,
    );
    const spent = host.clock.monotonic() - started;
    if (failures > limits.retries || spent + wait >= limits.deadline) {
      const effort = tries === 1 ? "" : ` (${tries} tries in ${(spent / 1000).toFixed(1)} s)`;
      throw new HttpError(`Cannot ${what}: ${failure.message}${effort}`, { status: failure.status });
    }
    host.log.debug(`cannot ${what}: ${failure.message}; trying again in ${wait} ms`);
    await Promise.race([host.clock.sleep(wait), whenAborted(limits.signal)]);
  }
}

interface Watch extends Try {
  stop(): void;
  hasProgressed(): boolean;
}

/** The error with the caller's reason for the abort, and the last transport error. */
function givenUp(what: string, signal: AbortSignal, tries: number, last: TryError | undefined): HttpError {
  const reason = signal.reason instanceof Error ? signal.reason.message : String(signal.reason);
  const trouble = last === undefined ? "" : ` (${tries} tries; ${last.message})`;
  return new HttpError(`Cannot ${what}: ${reason}${trouble}`, { status: last?.status });
}

/** Settles only on abort. */
function whenAborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => signal?.addEventListener("abort", () => resolve(), { once: true }));
}

function watchTry(remaining: number, { timeout, deadline, signal }: RetryLimits): Watch {
  const controller = new AbortController();
  const abort = (text: string) => controller.abort(new TryError(text));
  const silent = () => abort(`the server did not answer within ${timeout / 1000} s`);
  let idle = later(silent, timeout);
  const late = `not finished within ${Math.round(deadline / 100) / 10} s`;
  const end = later(() => abort(late), Math.max(0, remaining));
  const giveUp = () => controller.abort(new HttpError("given up"));
  signal?.addEventListener("abort", giveUp, { once: true });
  let progress = false;
  return {
    signal: controller.signal,
    alive: () => {
      clearTimeout(idle);
      if (!controller.signal.aborted) idle = later(silent, timeout);
    },
    pause: () => clearTimeout(idle),
    progressed: () => {
      progress = true;
    },
    hasProgressed: () => progress,
    stop: () => {
      clearTimeout(idle);
      clearTimeout(end);
      signal?.removeEventListener("abort", giveUp);
    },
  };
}
