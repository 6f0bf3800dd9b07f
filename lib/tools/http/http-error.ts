import { CommandError } from "../text/errors.ts";

/** A download that failed finally. `status` is the server's last one, undefined without a response. */
export class HttpError extends CommandError {
  override readonly name = "HttpError";
  readonly status: number | undefined;

  constructor(message: string, options: { status?: number | undefined; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.status = options.status;
  }
}

/** A failed attempt that a retry may fix. */
export class TryError extends Error {
  readonly status: number | undefined;
  /** The delay that the server requires, in milliseconds. */
  readonly retryAfter: number | undefined;
  /** Nothing was sent: the server, or its name server, may be unreachable. */
  readonly noWay: boolean;

  constructor(
    message: string,
    options: { status?: number | undefined; retryAfter?: number | undefined; noWay?: boolean } = {},
  ) {
    super(message);
    this.status = options.status;
    this.retryAfter = options.retryAfter;
    this.noWay = options.noWay ?? false;
  }
}

/** Certificate errors that are permanent; not `CERT_NOT_YET_VALID`, because the clock may still be set. */
const FINAL_CODES = new Set([
  "CERT_HAS_EXPIRED",
  "CERT_REVOKED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

const TEXTS: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: "this machine has no address to call from",
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset by the server",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "the network is unreachable",
  ENOTFOUND: "the host name is not known",
  EAI_AGAIN: "the name server does not answer",
  EPIPE: "connection closed by the server",
  ETIMEDOUT: "connection timed out",
  UND_ERR_CONNECT_TIMEOUT: "connection timed out",
  UND_ERR_SOCKET: "connection closed by the server",
};

/** Errors of unreachable hosts; Bun reports ENETUNREACH of connect(2) as "refused". */
const NO_WAY = new Set([
  "EADDRNOTAVAIL",
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
]);

/**
 * Converts a request's error into a TryError, or a final HttpError; our own errors are returned unchanged. `routed`:
 * the server is reached by a default route.
 */
export function transportFailure(error: unknown, { routed = false } = {}): Error {
  if (error instanceof CommandError || error instanceof TryError) return error;
  const [code, text] = describe(error);
  if (FINAL_CODES.has(code)) return new HttpError(`the certificate is not trusted (${text})`);
  return new TryError(TEXTS[code] ?? text, { noWay: routed && NO_WAY.has(code) });
}

function describe(error: unknown): [code: string, text: string] {
  if (error instanceof AggregateError && error.errors.length > 0) return describe(error.errors[0]);
  if (!(error instanceof Error)) return ["", String(error)];
  const code = (error as NodeJS.ErrnoException).code;
  if (typeof code === "string" && !(code === "UND_ERR_SOCKET" && error.cause instanceof Error)) {
    return [code, error.message || code];
  }
  return error.cause instanceof Error ? describe(error.cause) : ["", error.message];
}
