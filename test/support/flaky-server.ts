import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Loopback, serveLoopback } from "./loopback.ts";

/** What a {@link FlakyServer} does to answers of `name`; undefined: it serves it as it should. */
export interface Trouble {
  readonly name: string;
  /** Sends this many bytes of an answer, and then nothing more. */
  readonly stallAfter?: number;
  /** Answers 200 with the whole content to a request for a range. */
  readonly ignoresRange?: boolean;
  /** Answers with another range than the requested one. */
  readonly wrongRange?: boolean;
  /** Redirects there. */
  readonly redirect?: string;
  /** Sends this behind the content, without a length. */
  readonly appends?: string;
}

/** A server of a release directory with ranges and ETags, which counts what it sends and can be troublesome. */
export interface FlakyServer extends Loopback {
  trouble: Trouble | undefined;
  /** Bytes of bodies so far, by name. */
  readonly sent: Map<string, number>;
}

export async function serveFlaky(directory: string): Promise<FlakyServer> {
  const state: { trouble: Trouble | undefined } = { trouble: undefined };
  const sent = new Map<string, number>();
  const server = await serveLoopback((request, response) => {
    const name = (request.url ?? "/").slice(1);
    const path = join(directory, name);
    if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return response.writeHead(404).end();
    const content = readFileSync(path);
    const trouble = state.trouble?.name === name ? state.trouble : undefined;
    if (trouble?.redirect !== undefined) return response.writeHead(302, { location: trouble.redirect }).end();
    const etag = `"${createHash("sha256").update(content).digest("hex").slice(0, 16)}"`;
    const wanted = /^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1];
    const isRange = wanted !== undefined && !trouble?.ignoresRange && request.headers["if-range"] === etag;
    const from = isRange ? Number(wanted) : 0;
    if (isRange && from >= content.length) return response.writeHead(416).end();
    const shown = trouble?.wrongRange ? from + 1 : from;
    const headers = {
      etag,
      ...(trouble?.appends === undefined && { "content-length": content.length - from }),
      ...(isRange && { "content-range": `bytes ${shown}-${content.length - 1}/${content.length}` }),
    };
    response.writeHead(isRange ? 206 : 200, headers);
    const body = content.subarray(
      from,
      trouble?.stallAfter === undefined ? undefined : from + trouble.stallAfter,
    );
    sent.set(name, (sent.get(name) ?? 0) + body.length);
    response.write(body);
    if (trouble?.appends !== undefined) response.write(trouble.appends);
    if (trouble?.stallAfter === undefined) response.end();
  });
  return Object.assign(state, server, { sent }) as FlakyServer;
}
