import { CommandError } from "../text/errors.ts";

/**
 * `unreachable`: no answer, or none that can be trusted; `unavailable`: the server answered that it cannot do it now;
 * `refused`: any other status.
 */
export type KubernetesErrorKind =
  | "unreachable"
  | "unavailable"
  | "unauthorized"
  | "forbidden"
  | "notFound"
  | "conflict"
  | "invalid"
  | "refused";

/** A question to the Kubernetes API that was not answered, or answered with a failure. */
export class KubernetesError extends CommandError {
  override readonly name = "KubernetesError";
  readonly kind: KubernetesErrorKind;
  /** The server's status; undefined without an answer. */
  readonly status: number | undefined;

  constructor(
    kind: KubernetesErrorKind,
    message: string,
    options: { status?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.kind = kind;
    this.status = options.status;
  }
}

const KINDS: Readonly<Record<number, KubernetesErrorKind>> = {
  400: "invalid",
  401: "unauthorized",
  403: "forbidden",
  404: "notFound",
  409: "conflict",
  422: "invalid",
  429: "unavailable",
};

/** The kind of failure that an HTTP status means. */
export function kindOfStatus(status: number): KubernetesErrorKind {
  return KINDS[status] ?? (status >= 500 ? "unavailable" : "refused");
}
