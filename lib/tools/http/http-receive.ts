import { createHash, type Hash } from "node:crypto";
import { rm } from "node:fs/promises";
import { checkDigest } from "../fs/checksums.ts";
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

/** {@link FetchOptions} whose `deadline` is one hour and `maxBytes` unlimited unless given. */
export interface ReceiveOptions extends Omit<FetchOptions, "method" | "body"> {
  /** Hexadecimal digest that the content must have. */
  readonly sha256?: string;
  /** Called as data arrives: bytes so far, and in all where known. */
  readonly onProgress?: (done: number, total: number | undefined) => void;
}

/** Takes a content piece by piece, in order. What it throws ends the transfer for good if it is a CommandError. */
export interface Consumer {
  write(chunk: Uint8Array): Promise<void>;
  /** All that was written is void: the content comes again from its beginning. */
  restart(): Promise<void>;
  /** All has been written; its digest is not compared yet. */
  finish?(): Promise<void>;
  /** Where a file may lie for a while that another program downloads. */
  readonly scratch: string;
}

export interface Received {
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** Schemes that are left to the `curl` program; the original accepted them because it called nothing else. */
const CURL_SCHEMES = ["ftp:", "ftps:", "tftp:"];
const HOUR = 3_600_000;
/** Bytes after which the buffers that they came in are worth a collection. */
const TIDY_EVERY = 16 << 20;

/**
 * Hands the content behind a URL (http, https, file, ftp, ftps, tftp) or a local path to `consumer`, in constant memory.
 * After a break it continues where it stopped if the server allows, else the consumer is told to start anew. The content
 * is hashed as it passes; that it has the digest wanted is known only when this returns: nothing may be made of it
 * before. Throws HttpError or CommandError.
 */
export async function receive(
  url: string,
  consumer: Consumer,
  options: ReceiveOptions,
  host: Pick<Host, "log" | "clock" | "env" | "run">,
): Promise<Received> {
  const flow = createFlow(consumer, options);
  await fill(flow, url, consumer.scratch, options, host);
  await consumer.finish?.();
  const sha256 = flow.digest();
  checkDigest(maskUrl(url), sha256, options.sha256);
  return { bytes: flow.size(), sha256 };
}

/** A consumer and what it has been given so far: size and digest always agree with that. */
interface Flow {
  size(): number;
  write(chunk: Uint8Array, total?: number): Promise<void>;
  restart(): Promise<void>;
  digest(): string;
}

function createFlow(consumer: Consumer, { maxBytes, onProgress }: ReceiveOptions): Flow {
  let hash: Hash = createHash("sha256");
  let size = 0;
  return {
    size: () => size,
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
  scratch: string,
  options: ReceiveOptions,
  host: Pick<Host, "log" | "clock" | "env" | "run">,
): Promise<void> {
  const path = localPath(url);
  if (path !== undefined) {
    await copyLocal(flow, path, options.signal);
  } else if (CURL_SCHEMES.some((scheme) => url.toLowerCase().startsWith(scheme))) {
    await curl(url, scratch, flow, options, host);
  } else {
    const limits = { ...DEFAULTS, deadline: HOUR, ...options };
    const address = httpUrl(url);
    await using client = await openClient(options, host);
    const state: Resume = { validator: undefined, furthest: 0 };
    const action = (attempt: Try) => fetchRest(client, address, flow, state, options, attempt);
    await withTries(`download "${maskUrl(url)}"`, limits, action, host);
  }
}

interface Resume {
  /** Strong ETag or date of the content that we hold the beginning of (RFC 9110, 13.1.5). */
  validator: string | undefined;
  /** Bytes of the longest beginning that any try has come to hold. */
  furthest: number;
}

/** One try: asks for what is still missing, or for everything where the server gives no way to continue. */
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
    state.validator = undefined; // nothing lies behind what we have: start again
    throw new TryError(error.message, { status: error.status });
  });
  refuseEncoding(reply);
  if (reply.status !== 206 || !continuesAt(reply, flow.size())) {
    if (reply.status === 206) throw new HttpError(`the server sent another part than was asked for`);
    await flow.restart();
    state.validator = validatorOf(reply);
  }
  const length = reply.headers["content-length"];
  const total = length === undefined ? undefined : flow.size() + Number(length);
  if (total !== undefined && total > (options.maxBytes ?? Number.POSITIVE_INFINITY)) {
    throw new HttpError(`the content is larger than ${options.maxBytes} bytes: the server reports ${total}`);
  }
  for await (const chunk of reply.body) {
    attempt.pause(); // a disk that is slow to take it is not the server's silence
    await flow.write(chunk, total);
    attempt.alive();
    // from a server that always begins anew the same beginning again is no progress
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

/** A file is kept as the server has it; `gzip` of a `.gz` file only says what the file is (Apache's AddEncoding). */
function refuseEncoding({ url, headers }: Reply): void {
  const encoding = headers["content-encoding"]?.toLowerCase() ?? "identity";
  if (encoding === "identity" || encoding === "") return;
  if (/^(x-)?gzip$/.test(encoding) && /\.t?gz$/i.test(url.pathname)) return;
  throw new HttpError(`the server encoded the file as "${encoding}" although it was asked not to`);
}

async function copyLocal(flow: Flow, path: string, signal: AbortSignal | undefined): Promise<void> {
  try {
    using file = openRegular(path);
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
  const argv = cmd`
    curl --fail --silent --show-error --globoff --proto =${schemes} ${size}
      --connect-timeout ${limits.timeout / 1000} --max-time ${limits.deadline / 1000}
      --retry ${limits.retries} --output ${scratch} -- ${url}
  `;
  try {
    await host.run(argv);
    await copyLocal(flow, scratch, options.signal);
  } catch (error) {
    // the program's own message holds the URL as given
    const said = (error as Error).message.replaceAll(url, maskUrl(url));
    const status = said.includes("(exit status 78)") ? 404 : undefined; // curl(1): the file is not there
    throw new HttpError(`Cannot download "${maskUrl(url)}": ${said}`, { status });
  } finally {
    await rm(scratch, { force: true });
  }
}
