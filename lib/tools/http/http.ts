import { brotliDecompressSync, gunzipSync, inflateSync } from "node:zlib";
import { readBounded } from "../fs/read-bounded.ts";
import type { Host } from "../host/host.ts";
import { CommandError } from "../text/errors.ts";
import { openClient, type Reply } from "./http-client.ts";
import { HttpError } from "./http-error.ts";
import { DEFAULTS, type FetchOptions } from "./http-options.ts";
import { withTries } from "./http-retry.ts";
import { httpUrl, localPath, maskUrl, splitZone } from "./http-url.ts";

export type { TlsIdentity } from "./http-client.ts";
export { type DownloadOptions, download } from "./http-download.ts";
export { HttpError } from "./http-error.ts";
export type { FetchOptions } from "./http-options.ts";
export { type Consumer, type Received, type ReceiveOptions, receive } from "./http-receive.ts";
export { maskUrl } from "./http-url.ts";

export interface HttpResponse {
  /** The final URL after redirects. */
  readonly url: string;
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** {@link fetchBytes}, as UTF-8 text. */
export async function fetchText(
  url: string,
  options: FetchOptions,
  host: Pick<Host, "log" | "clock" | "env">,
): Promise<string> {
  return (await fetchBytes(url, options, host)).toString("utf8");
}

/** The content of an http(s) or file URL, or of a local path. Throws HttpError, or CommandError for a file. */
export async function fetchBytes(
  url: string,
  options: FetchOptions,
  host: Pick<Host, "log" | "clock" | "env">,
): Promise<Buffer> {
  const path = localPath(url);
  if (path === undefined) return (await fetchResponse(url, options, host)).body;
  try {
    return readBounded(path, { maxBytes: options.maxBytes ?? DEFAULTS.maxBytes });
  } catch (cause) {
    throw new CommandError(`Cannot read "${path}"`, { cause });
  }
}

/**
 * Sends one request (retried after transport errors and the statuses 408, 425, 429 and 5xx), follows redirects, and
 * returns the successful response with its body decoded (with `anyStatus`, any response). Throws HttpError, whose `status` is that of the server.
 */
export async function fetchResponse(
  url: string,
  options: FetchOptions,
  host: Pick<Host, "log" | "clock" | "env">,
): Promise<HttpResponse> {
  const { url: plain, zone } = splitZone(url);
  const parsed = httpUrl(plain);
  const limits = { ...DEFAULTS, ...options };
  await using client = await openClient({ ...options, zone }, host);
  return await withTries(
    `fetch "${maskUrl(url)}"`,
    limits,
    async (attempt) => {
      const { method = "GET", headers = {} } = options;
      const request = { ...options, method, headers, signal: attempt.signal };
      const reply = await client.send(parsed, request);
      // the response to HEAD has the length of a body that is not sent
      const raw = method === "HEAD" ? Buffer.alloc(0) : await readBody(reply, limits.maxBytes, attempt.alive);
      const content =
        method === "HEAD" ? raw : decode(raw, reply.headers["content-encoding"], limits.maxBytes);
      return { url: reply.url.href, status: reply.status, headers: reply.headers, body: content };
    },
    host,
  );
}

async function readBody(reply: Reply, maxBytes: number, alive: () => void): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  if (Number(reply.headers["content-length"] ?? 0) > maxBytes) throw tooLarge(maxBytes);
  for await (const chunk of reply.body) {
    alive();
    size += chunk.length;
    if (size > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooLarge(maxBytes: number): HttpError {
  return new HttpError(`the answer is larger than ${maxBytes} bytes`);
}

const DECODERS = { gzip: gunzipSync, "x-gzip": gunzipSync, deflate: inflateSync, br: brotliDecompressSync };

/** Decodes a Content-Encoding that the server applied without a request for it. */
function decode(raw: Buffer, encoding: string | undefined, maxBytes: number): Buffer {
  const name = encoding?.toLowerCase() ?? "identity";
  if (name === "identity" || name === "") return raw;
  const decoder = Object.hasOwn(DECODERS, name) ? DECODERS[name as keyof typeof DECODERS] : undefined;
  if (decoder === undefined) throw new HttpError(`the server used the unknown encoding "${name}"`);
  try {
    return decoder(raw, { maxOutputLength: maxBytes });
  } catch (error) {
    const large = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
    throw large ? tooLarge(maxBytes) : new HttpError(`the answer is not valid ${name} data`);
  }
}
