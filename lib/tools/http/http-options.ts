import type { Request } from "./http-client.ts";

/** Limits and details of a request; without any, it ends within a minute. */
export interface FetchOptions {
  /** Milliseconds until the server answers, and between two pieces of its answer; per try; default 10 s. */
  readonly timeout?: number;
  /** Milliseconds for all tries together; default 60 s. */
  readonly deadline?: number;
  /** Tries after the first, 0.5 s later, then 1 s, 2 s … 5 s; default 5. */
  readonly retries?: number;
  /** Largest answer accepted, in bytes; default 16 MiB. */
  readonly maxBytes?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default GET. */
  readonly method?: Request["method"];
  readonly body?: string | Uint8Array;
  /** PEM certificates to trust besides the system's and the compiled-in ones. */
  readonly ca?: string;
  /** Port to call from, for clouds that answer only to privileged ones. */
  readonly localPort?: number;
  /** Ends all tries, with an HttpError that tells the signal's reason. */
  readonly signal?: AbortSignal;
  /** Default true; else a redirect is an answer like any other, its target in the header `location`. */
  readonly followRedirects?: boolean;
  /** Follow a redirect from https to http, which anybody on the way can answer. Default: that is an error. */
  readonly plainRedirects?: boolean;
  /** Statuses after which another try may help, besides 408, 425, 429 and 5xx. */
  readonly tryAgain?: readonly number[];
}

export const DEFAULTS = { timeout: 10_000, deadline: 60_000, retries: 5, maxBytes: 16 << 20 } as const;
