import type { Request, TlsIdentity } from "./http-client.ts";

/** Limits and details of a request; by default it ends within a minute. */
export interface FetchOptions {
  /** Milliseconds until the first response, and between two pieces of it; per attempt; default 10 s. */
  readonly timeout?: number;
  /** Milliseconds for all attempts together; default 60 s. */
  readonly deadline?: number;
  /** Number of retries, after 0.5 s, then 1 s, 2 s … 5 s; default 5. */
  readonly retries?: number;
  /** The response limit, in bytes; default 16 MiB. */
  readonly maxBytes?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default GET. */
  readonly method?: Request["method"];
  readonly body?: string | Uint8Array;
  /** PEM certificates to trust in addition to the system's and the built-in ones. */
  readonly ca?: string;
  /** Trust only `ca`. */
  readonly onlyCa?: boolean;
  /** Our own certificate and its key, for a server that asks for them. */
  readonly identity?: TlsIdentity;
  /** Return the response whatever its status; nothing is retried because of one. */
  readonly anyStatus?: boolean;
  /** Local port, for clouds that only answer privileged ports. */
  readonly localPort?: number;
  /** Ends all attempts, with an HttpError that contains the signal's reason. */
  readonly signal?: AbortSignal;
  /** Default true; otherwise a redirect is returned as a response, with its target in the header `location`. */
  readonly followRedirects?: boolean;
  /** Follow a redirect from https to http, which an attacker on the network can answer. Default: that is an error. */
  readonly plainRedirects?: boolean;
  /** Statuses to retry besides 408, 425, 429 and 5xx. */
  readonly tryAgain?: readonly number[];
}

export const DEFAULTS = { timeout: 10_000, deadline: 60_000, retries: 5, maxBytes: 16 << 20 } as const;
