import { createHash, type Hash } from "node:crypto";
import { rm } from "node:fs/promises";
import { checkDigest, DigestError } from "../fs/checksums.ts";
import { contentOf, openRegular } from "../fs/read-bounded.ts";
import { cmd } from "../host/cmd.ts";
import type { Host } from "../host/host.ts";
import { collectGarbage } from "../host/native.ts";
import { CommandError } from "../text/errors.ts";
import { type Client, openClient, type Reply } from "./http-client.ts";
import { HttpError, TryError } from "./http-error.ts";
import { DEFAULTS, type FetchOptions } from "./http-options.ts";
import { type Try, withTries } from "./http-retry.ts";
import { httpUrl, localPath, maskUrl } from "./http-url.ts";
import { createRateLimit, type RateLimit } from "./rate-limit.ts";

/** {@link FetchOptions}, with a default `deadline` of one hour and unlimited `maxBytes`. */
export interface ReceiveOptions extends Omit<FetchOptions, "method" | "body"> {
  /** The expected digest of the content, in hexadecimal. */
  readonly sha256?: string;
  /** The expected number of bytes: a server that reports another one is refused before it sends any. */
  readonly size?: number;
  /** The most bytes per second from a server, on average; default: no limit. */
  readonly limitRate?: number | undefined;
  /** Called on new data with the bytes so far, and the total if known. */
  readonly onProgress?: (done: number, total: number | undefined) => void;
}

/** Receives content in pieces, in order. A CommandError that it throws ends the transfer finally. */
export interface Consumer {
  write(chunk: Uint8Array): Promise<void>;
  /** Discards everything written: the content starts again from its beginning. */
  restart(): Promise<void>;
  /** Called when everything is written; the digest is not verified yet. */
  finish?(): Promise<void>;
  /** A directory for the temporary file of another download program. */
  readonly scratch: string;
  /** The beginning of the content, which an earlier process has received. */
  readonly held?: Held | undefined;
  /**
   * Called before the first byte of content that may be continued later, with what the server identifies it by;
   * undefined if it cannot be continued.
   */
  identify?(validator: string | undefined): void;
}

/** The beginning of some content. */
export interface Held {
  /** Its strong ETag or date (RFC 9110, 13.1.5). */
  readonly validator: string;
  readonly content: AsyncIterable<Uint8Array>;
}

export interface Received {
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** Schemes that the `curl` program downloads; the original accepted them because it always called curl. */
const CURL_SCHEMES = ["ftp:", "ftps:", "tftp:"];
const HOUR = 3_600_000;
/** The number of bytes after which their buffers are collected. */
const TIDY_EVERY = 16 << 20;

/**
 * Passes the content of a URL (http, https, file, ftp, ftps, tftp) or a local path to `consumer`, in constant memory.
 * After an interruption it continues at the same offset if the server allows, otherwise it restarts the consumer. The
 * content is hashed on the way; its digest is only verified when this returns: do not use the content earlier. Throws
 * HttpError or CommandError.
 */
export async function receive(
  url: string,
  consumer: Consumer,
  options: ReceiveOptions,
  host: Pick<Host, "log" | "clock" | "env" | "run">,
): Promise<Received> {
  const flow = createFlow(consumer, options);
  if (consumer.held !== undefined) await flow.hold(consumer.held.content);
  await fill(flow, url, consumer, options, host);
  await consumer.finish?.();
  const sha256 = flow.digest();
  checkDigest(maskUrl(url), sha256, options.sha256);
  return { bytes: flow.size(), sha256 };
}

/** Throws DigestError for a size in bytes that cannot be that of the expected content. */
function checkSize(url: string, found: number, expected: number | undefined): void {
  if (expected === undefined || found === expected) return;
  throw new DigestError(
    `"${maskUrl(url)}" is not the expected file: it has ${found} bytes, expected ${expected}`,
  );
}

/** A consumer with the size and digest of everything passed to it so far. */
interface Flow {
  size(): number;
  /** Counts what the consumer has already. */
  hold(content: AsyncIterable<Uint8Array>): Promise<void>;
  write(chunk: Uint8Array, total?: number): Promise<void>;
  restart(): Promise<void>;
  digest(): string;
}

function createFlow(consumer: Consumer, { maxBytes, onProgress }: ReceiveOptions): Flow {
  let hash: Hash = createHash("sha256");
  let size = 0;
  return {
    size: () => size,
    hold: async (content) => {
      for await (const chunk of content) {
        hash.update(chunk);
        size += chunk.length;
      }
    },
    write: async (chunk, total) => {
      if (maxBytes !== undefined && size + chunk.length > maxBytes) {
        throw new HttpError(`the content is larger than ${maxBytes} bytes`);
      }
      await consumer.write(chunk);
      hash.update(chunk);
      if (Math.floor(size / TIDY_EVERY) < Math.floor((size + chunk.length) / TIDY_EVERY)) collectGarbage();
      size += chunk.length;
      onProgress?.(size, total);
    },
    restart: async () => {
      if (size === 0) return;
      await consumer.restart();
      hash = createHash("sha256");
      size = 0;
    },
    digest: () => hash.copy().digest("hex"),
  };
}

async function fill(
  flow: Flow,
  url: string,
  consumer: Consumer,
  options: ReceiveOptions,
  host: Pick<Host, "log" | "clock" | "env" | "run">,
): Promise<void> {
  const path = localPath(url);
  if (options.size !== undefined && flow.size() === options.size) return; // all of it is held
  if (path !== undefined) {
    await flow.restart();
    await copyLocal(flow, path, options);
  } else if (CURL_SCHEMES.some((scheme) => url.toLowerCase().startsWith(scheme))) {
    await flow.restart();
    await curl(url, consumer.scratch, flow, options, host);
  } else {
    const limits = { ...DEFAULTS, deadline: HOUR, ...options };
    const address = httpUrl(url);
    await using client = await openClient(options, host);
    const state: Resume = {
      validator: consumer.held?.validator,
      furthest: 0,
      identify: (validator) => consumer.identify?.(validator),
      limit: options.limitRate === undefined ? undefined : createRateLimit(options.limitRate, host.clock),
    };
    const action = (attempt: Try) => fetchRest(client, address, flow, state, options, attempt);
    await withTries(`download "${maskUrl(url)}"`, limits, action, host);
  }
}

interface Resume {
  /** Strong ETag or date of the partial content that we hold (RFC 9110, 13.1.5). */
  validator: string | undefined;
  /** The largest number of bytes that any attempt has reached. */
  furthest: number;
  readonly identify: (validator: string | undefined) => void;
  readonly limit: RateLimit | undefined;
}

/** One attempt: requests the missing rest, or everything if the server cannot continue. */
async function fetchRest(
  client: Client,
  url: URL,
  flow: Flow,
  state: Resume,
  options: ReceiveOptions,
  attempt: Try,
): Promise<void> {
  const range: Record<string, string> = {};
  if (flow.size() > 0 && state.validator !== undefined) {
    range.range = `bytes=${flow.size()}-`;
    range["if-range"] = state.validator;
  } else {
    await flow.restart();
  }
  const headers = { ...options.headers, ...range };
  const { plainRedirects } = options;
  const request = { method: "GET", headers, plainRedirects, signal: attempt.signal } as const;
  const reply = await client.send(url, request).catch((error) => {
    if (!(error instanceof HttpError) || error.status !== 416) throw error;
    state.validator = undefined; // nothing follows our part: start again
    throw new TryError(error.message, { status: error.status });
  });
  refuseEncoding(reply);
  if (reply.status !== 206 || !continuesAt(reply, flow.size())) {
    if (reply.status === 206) {
      state.validator = undefined; // start again, without a range
      throw new TryError("the server sent another part than was asked for");
    }
    await flow.restart();
    state.validator = validatorOf(reply);
    state.identify(state.validator);
  }
  const length = reply.headers["content-length"];
  const total = length === undefined ? undefined : flow.size() + Number(length);
  if (total !== undefined && total > (options.maxBytes ?? Number.POSITIVE_INFINITY)) {
    throw new HttpError(`the content is larger than ${options.maxBytes} bytes: the server reports ${total}`);
  }
  if (total !== undefined) checkSize(url.href, total, options.size);
  for await (const chunk of reply.body) {
    attempt.pause(); // do not take a slow disk for a silent server
    await flow.write(chunk, total);
    await state.limit?.pass(chunk.length, attempt.signal);
    attempt.alive();
    // with a server that always starts over, only new bytes are progress
    if (state.validator !== undefined && flow.size() > state.furthest) attempt.progressed();
    state.furthest = Math.max(state.furthest, flow.size());
  }
}

function continuesAt(reply: Reply, offset: number): boolean {
  return reply.headers["content-range"]?.startsWith(`bytes ${offset}-`) ?? false;
}

function validatorOf({ headers }: Reply): string | undefined {
  if (headers["accept-ranges"]?.toLowerCase() === "none") return undefined;
  const { etag } = headers;
  return etag?.startsWith('"') ? etag : headers["last-modified"];
}

/** Refuses a Content-Encoding of the file; `gzip` for a `.gz` file only describes its type (Apache's AddEncoding). */
function refuseEncoding({ url, headers }: Reply): void {
  const encoding = headers["content-encoding"]?.toLowerCase() ?? "identity";
  if (encoding === "identity" || encoding === "") return;
  if (/^(x-)?gzip$/.test(encoding) && /\.t?gz$/i.test(url.pathname)) return;
  throw new HttpError(`the server encoded the file as "${encoding}" although it was asked not to`);
}

async function copyLocal(
  flow: Flow,
  path: string,
  { signal, size }: Pick<ReceiveOptions, "signal" | "size">,
): Promise<void> {
  try {
    using file = openRegular(path);
    checkSize(path, file.size, size);
    for await (const chunk of contentOf(file)) {
      signal?.throwIfAborted();
      await flow.write(chunk, file.size);
    }
  } catch (cause) {
    if (cause instanceof CommandError) throw cause;
    throw new CommandError(`Cannot read "${path}"`, { cause });
  }
}

async function curl(
  url: string,
  scratch: string,
  flow: Flow,
  options: ReceiveOptions,
  host: Pick<Host, "run">,
): Promise<void> {
  const limits = { ...DEFAULTS, deadline: HOUR, ...options };
  const schemes = CURL_SCHEMES.map((scheme) => scheme.slice(0, -1)).join(",");
  const size = options.maxBytes === undefined ? [] : cmd`--max-filesize ${options.maxBytes}`;
  const rate = options.limitRate === undefined ? [] : cmd`--limit-rate ${options.limitRate}`;
  const argv = cmd`
    curl --fail --silent --show-error --globoff --proto =${schemes} ${size} ${rate}
      --connect-timeout ${limits.timeout / 1000} --max-time ${limits.deadline / 1000}
      --retry ${limits.retries} --output ${scratch} -- ${url}
  `;
  try {
    await host.run(argv);
    await copyLocal(flow, scratch, options);
  } catch (error) {
    // the program's own message contains the unmasked URL
    const said = (error as Error).message.replaceAll(url, maskUrl(url));
    const status = said.includes("(exit status 78)") ? 404 : undefined; // curl(1): file not found
    throw new HttpError(`Cannot download "${maskUrl(url)}": ${said}`, { status });
  } finally {
    await rm(scratch, { force: true });
  }
}
