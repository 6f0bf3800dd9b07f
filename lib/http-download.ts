import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { flushDirectory } from "./atomic.ts";
import { CommandError } from "./errors.ts";
import type { Host } from "./host.ts";
import { type Client, openClient, type Reply } from "./http-client.ts";
import { HttpError, TryError } from "./http-error.ts";
import { DEFAULTS, type FetchOptions } from "./http-options.ts";
import { type Try, withTries } from "./http-retry.ts";
import { httpUrl, localPath, maskUrl } from "./http-url.ts";

/** {@link FetchOptions} whose `deadline` is one hour and `maxBytes` unlimited unless given. */
export interface DownloadOptions extends Omit<FetchOptions, "method" | "body"> {
  /** Hexadecimal digest that the content must have. */
  readonly sha256?: string;
  /** Permissions of the file; default 0644. */
  readonly mode?: number;
  /** Called as data arrives: bytes so far, and in all where known. */
  readonly onProgress?: (done: number, total: number | undefined) => void;
}

export interface Downloaded {
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** Schemes that are left to the `curl` program; the original accepted them because it called nothing else. */
const CURL_SCHEMES = ["ftp:", "ftps:", "tftp:"];
const HOUR = 3_600_000;

/**
 * Downloads a URL (http, https, file, ftp, ftps, tftp) or copies a local path to `file`, in constant memory. After a
 * break it continues where it stopped if the server allows. The content is hashed as it comes, flushed to the disk and
 * checked before `file` appears; on failure nothing is left and an older `file` stays. Throws HttpError or CommandError.
 */
export async function download(
  url: string,
  file: string,
  options: DownloadOptions,
  host: Pick<Host, "log" | "clock" | "env" | "run">,
): Promise<Downloaded> {
  const partial = `${file}.partial`;
  await rm(partial, { force: true });
  const sink = await openSink(partial, options);
  try {
    await fill(sink, url, partial, options, host);
    const result = { bytes: sink.size(), sha256: sink.digest() };
    checkDigest(url, result.sha256, options.sha256);
    await sink.flush();
    await rename(partial, file);
    flushDirectory(dirname(file));
    return result;
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  } finally {
    await sink.close();
  }
}

async function fill(
  sink: Sink,
  url: string,
  partial: string,
  options: DownloadOptions,
  host: Pick<Host, "log" | "clock" | "env" | "run">,
): Promise<void> {
  const path = localPath(url);
  if (path !== undefined) {
    await copyLocal(sink, path);
  } else if (CURL_SCHEMES.some((scheme) => url.toLowerCase().startsWith(scheme))) {
    await curl(url, `${partial}.curl`, sink, options, host);
  } else {
    const limits = { ...DEFAULTS, deadline: HOUR, ...options };
    const address = httpUrl(url);
    await using client = await openClient(options, host);
    const state: Resume = { validator: undefined };
    const action = (attempt: Try) => fetchRest(client, address, sink, state, options, attempt);
    await withTries(`download "${maskUrl(url)}"`, limits, action, host);
  }
}

/** A file being written: content, size and digest always agree. */
interface Sink {
  size(): number;
  write(chunk: Uint8Array, total?: number): Promise<void>;
  /** Throws away what was written. */
  restart(): Promise<void>;
  digest(): string;
  flush(): Promise<void>;
  close(): Promise<void>;
}

async function openSink(path: string, { maxBytes, onProgress, mode }: DownloadOptions): Promise<Sink> {
  const handle = await openNew(path, mode ?? 0o644);
  let hash: Hash = createHash("sha256");
  let size = 0;
  return {
    size: () => size,
    write: async (chunk, total) => {
      if (maxBytes !== undefined && size + chunk.length > maxBytes) {
        throw new HttpError(`the content is larger than ${maxBytes} bytes`);
      }
      await writeAll(handle, chunk, size, path);
      hash.update(chunk);
      size += chunk.length;
      onProgress?.(size, total);
    },
    restart: async () => {
      await handle.truncate(0);
      hash = createHash("sha256");
      size = 0;
    },
    digest: () => hash.copy().digest("hex"),
    flush: () => handle.sync(),
    close: () => handle.close(),
  };
}

async function openNew(path: string, mode: number): Promise<FileHandle> {
  try {
    const handle = await open(path, "wx", mode);
    await handle.chmod(mode); // whatever the umask is
    return handle;
  } catch (cause) {
    throw new CommandError(`Cannot write "${path}"`, { cause });
  }
}

async function writeAll(handle: FileHandle, chunk: Uint8Array, at: number, path: string): Promise<void> {
  try {
    for (let done = 0; done < chunk.length; ) {
      done += (await handle.write(chunk, done, chunk.length - done, at + done)).bytesWritten;
    }
  } catch (cause) {
    throw new CommandError(`Cannot write "${path}"`, { cause });
  }
}

interface Resume {
  /** Strong ETag or date of the content that we hold the beginning of (RFC 9110, 13.1.5). */
  validator: string | undefined;
}

/** One try: asks for what is still missing, or for everything where the server gives no way to continue. */
async function fetchRest(
  client: Client,
  url: URL,
  sink: Sink,
  state: Resume,
  options: DownloadOptions,
  attempt: Try,
): Promise<void> {
  const range: Record<string, string> = {};
  if (sink.size() > 0 && state.validator !== undefined) {
    range.range = `bytes=${sink.size()}-`;
    range["if-range"] = state.validator;
  } else {
    await sink.restart();
  }
  const headers = { ...options.headers, ...range };
  const reply = await client.send(url, { method: "GET", headers, signal: attempt.signal }).catch((error) => {
    if (!(error instanceof HttpError) || error.status !== 416) throw error;
    state.validator = undefined; // nothing lies behind what we have: start again
    throw new TryError(error.message, { status: error.status });
  });
  refuseEncoding(reply);
  if (reply.status !== 206 || !continuesAt(reply, sink.size())) {
    if (reply.status === 206) throw new HttpError(`the server sent another part than was asked for`);
    await sink.restart();
    state.validator = validatorOf(reply);
  }
  const length = reply.headers["content-length"];
  const total = length === undefined ? undefined : sink.size() + Number(length);
  for await (const chunk of reply.body) {
    attempt.alive();
    await sink.write(chunk, total);
    if (state.validator !== undefined) attempt.progressed();
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

async function copyLocal(sink: Sink, path: string): Promise<void> {
  try {
    const { size } = await stat(path);
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
      await sink.write(chunk as Buffer, size);
    }
  } catch (cause) {
    if (cause instanceof CommandError) throw cause;
    throw new CommandError(`Cannot read "${path}"`, { cause });
  }
}

async function curl(
  url: string,
  temporary: string,
  sink: Sink,
  options: DownloadOptions,
  host: Pick<Host, "run">,
): Promise<void> {
  const limits = { ...DEFAULTS, deadline: HOUR, ...options };
  const argv = ["curl", "--fail", "--silent", "--show-error", "--globoff"];
  argv.push("--proto", `=${CURL_SCHEMES.map((scheme) => scheme.slice(0, -1)).join(",")}`);
  argv.push("--connect-timeout", String(limits.timeout / 1000), "--max-time", String(limits.deadline / 1000));
  argv.push("--retry", String(limits.retries), "--output", temporary, "--", url);
  try {
    await host.run(argv);
    await copyLocal(sink, temporary);
  } catch (error) {
    // the program's own message holds the URL as given
    const said = (error as Error).message.replaceAll(url, maskUrl(url));
    const status = said.includes("(exit status 78)") ? 404 : undefined; // curl(1): the file is not there
    throw new HttpError(`Cannot download "${maskUrl(url)}": ${said}`, { status });
  } finally {
    await rm(temporary, { force: true });
  }
}

function checkDigest(url: string, found: string, wanted: string | undefined): void {
  if (wanted === undefined || found === wanted.toLowerCase()) return;
  throw new CommandError(
    `"${maskUrl(url)}" is not the expected file: its sha256 is ${found}, wanted ${wanted}`,
  );
}
