import type { Host } from "../tools/host/host.ts";
import {
  type FetchOptions,
  fetchResponse,
  HttpError,
  type HttpResponse,
  maskUrl,
} from "../tools/http/http.ts";
import type { Access, Provider, Question } from "./data-source.ts";
import type { Platform } from "./platform.ts";

/** One request, for `--explain`. */
export interface Asked {
  readonly method: string;
  /** Without secrets. */
  readonly url: string;
  /** The server's last answer; undefined if it gave none. */
  readonly status: number | undefined;
  /** Milliseconds, for all attempts. */
  readonly time: number;
  /** Size of the answer in bytes. */
  readonly bytes?: number;
  /** Why it failed. */
  readonly problem?: string;
}

/** The requests and omissions of a source; grows while it is read. */
export interface SourceRecord {
  readonly asked: Asked[];
  readonly ignored: string[];
}

export interface AccessOptions {
  readonly platform: Platform;
  /** The platform identifies the machine as one of this source's: it is worth waiting for. */
  readonly recognised: boolean;
  /** When the phase ends, by the host's monotonic clock. */
  readonly end: number;
  /** Ends all requests: the time is up, or the search is finished. */
  readonly signal: AbortSignal;
  /** The search is finished: further reports are not needed. */
  readonly isOver: () => boolean;
}

export type AccessHost = Pick<Host, "root" | "run" | "log" | "clock" | "env">;

/**
 * Milliseconds in which an unlikely source must answer at all, and the limits of its requests until then: a list of
 * nine dead sources must end within ten seconds, even on a network that drops packets.
 */
const PROBE = { deadline: 8_000, timeout: 2_000, retries: 2 } as const;
/** Milliseconds for a request to a source that is present or expected; the phase's end limits it too. */
const TIMEOUT = 5_000;
/** Retries for a source that is present but was not expected. */
const RETRIES = 5;

/** The interface for one provider, and the record of its requests. */
export function createAccess(
  provider: Pick<Provider, "name" | "kind">,
  options: AccessOptions,
  host: AccessHost,
): { readonly access: Access; readonly record: SourceRecord } {
  const record: SourceRecord = { asked: [], ignored: [] };
  const started = host.clock.monotonic();
  let alive = options.recognised || provider.kind === "local";
  const limits = (): FetchOptions => {
    const left = Math.max(1, options.end - host.clock.monotonic());
    if (!alive) {
      return {
        ...PROBE,
        deadline: Math.max(1, Math.min(left, started + PROBE.deadline - host.clock.monotonic())),
      };
    }
    return {
      timeout: TIMEOUT,
      deadline: left,
      retries: options.recognised ? Number.POSITIVE_INFINITY : RETRIES,
    };
  };
  const fetch = async (url: string, question: Question = {}): Promise<Buffer | undefined> => {
    const { none = [404], once = false, ...details } = question;
    const begun = host.clock.monotonic();
    const note = (status: number | undefined, rest: Pick<Asked, "bytes" | "problem"> = {}) => {
      if (status !== undefined) alive = true;
      const asked = { method: question.method ?? "GET", url: shownUrl(url, provider), status };
      record.asked.push({ ...asked, time: host.clock.monotonic() - begun, ...rest });
    };
    let answer: HttpResponse;
    try {
      const signals = [options.signal, ...(question.signal === undefined ? [] : [question.signal])];
      answer = await fetchResponse(
        url,
        { ...limits(), ...(once ? { retries: 0 } : {}), ...details, signal: AbortSignal.any(signals) },
        { ...host, env: environment(provider, host), log: withRetriesLogged(provider, host) },
      );
    } catch (error) {
      const status = error instanceof HttpError ? error.status : undefined;
      const isNone = status !== undefined && none.includes(status);
      note(status, isNone ? {} : { problem: reasonOf(error, url) });
      if (isNone) return undefined;
      throw error;
    }
    const { status, body } = answer;
    const page = isWebPage(body);
    note(status, { bytes: body.length, ...(page ? { problem: WEB_PAGE } : {}) });
    if (page) throw new HttpError(`Cannot use "${maskUrl(url)}": ${WEB_PAGE}`, { status });
    return status === 204 ? undefined : body;
  };
  const ignored = (what: string) => {
    record.ignored.push(what);
    if (!options.isOver()) host.log.warn(`${provider.name}: ${what}`);
  };
  const { root, run, log, clock, env } = host;
  return { access: { root, run, log, clock, env, platform: options.platform, fetch, ignored }, record };
}

/** A cloud identifies the machine by its own requests, so they bypass any proxy; a user's seed may need a proxy. */
function environment({ kind }: Pick<Provider, "kind">, { env }: Pick<Host, "env">): Host["env"] {
  return kind === "network" ? { ...env, no_proxy: "*" } : env;
}

/** The user waits for these attempts, so they are reported without --debug too. */
function withRetriesLogged({ name }: Pick<Provider, "name">, { log }: Pick<Host, "log">): Host["log"] {
  return { ...log, debug: (text) => log.info(`${name}: ${text}`) };
}

/** A user's URL may contain a signature after the question mark. */
function shownUrl(url: string, { kind }: Pick<Provider, "kind">): string {
  const masked = maskUrl(url);
  return kind === "network" ? masked : masked.replace(/\?.*$/s, "?…");
}

/** The error without the URL, which is shown beside it. */
function reasonOf(error: unknown, url: string): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(`Cannot fetch "${maskUrl(url)}": `, "");
}

const WEB_PAGE = "found a web page, expected metadata";

/** Gateways and captive portals answer all requests with a web page; no answer of a source begins like one. */
function isWebPage(body: Buffer): boolean {
  return /^\s*<(?:!doctype\s+html|html)\b/i.test(body.toString("latin1", 0, 200));
}
