import type { IncomingMessage, ServerResponse } from "node:http";
import { acceptMetadata } from "../../lib/datasource/accept.ts";
import { createAccess, type SourceRecord } from "../../lib/datasource/access.ts";
import type { Metadata, Provider } from "../../lib/datasource/data-source.ts";
import type { Platform } from "../../lib/datasource/platform.ts";
import { type TestHost, testHost } from "./host.ts";
import { serveLoopback } from "./loopback.ts";

/** What a cloud's server says: a text (status 200), a status, or whatever a function does. */
export type Reply =
  | string
  | Uint8Array
  | number
  | ((request: IncomingMessage, response: ServerResponse) => void);

/** Replies by `METHOD PATH?QUERY`, or only the path for GET; anything else is a 404. */
export type Routes = Readonly<Record<string, Reply>>;

export function answerBy(routes: Routes, request: IncomingMessage, response: ServerResponse): void {
  const path = request.url ?? "/";
  const key = request.method === "GET" ? path : `${request.method} ${path}`;
  const reply = Object.hasOwn(routes, key) ? routes[key] : 404;
  if (typeof reply === "function") reply(request, response);
  else if (typeof reply === "number" || reply === undefined) response.writeHead(reply ?? 404).end();
  else response.end(reply);
}

/** A machine that says nothing about itself. */
export const NO_PLATFORM: Platform = {
  dmi: {},
  hypervisorUuid: "",
  words: [],
  devices: [],
  firmwareConfig: [],
};

export interface Reading {
  /** What is left of what the provider gave. */
  readonly metadata: Metadata | undefined;
  /** The user data as text. */
  readonly userdata: string | undefined;
  readonly record: SourceRecord;
  /** Paths that were asked for, with their method unless that is GET. */
  readonly paths: readonly string[];
  readonly requests: readonly IncomingMessage[];
  readonly logged: readonly string[];
}

/** Reads a provider's source that is played by a server on loopback. */
export async function readCloud(
  providerAt: (bases: readonly string[]) => Provider,
  routes: Routes,
  platform: Partial<Platform> = {},
): Promise<Reading> {
  using host = testHost();
  await using server = await serveLoopback((request, response) => answerBy(routes, request, response));
  const { metadata, record } = await readProvider(providerAt([server.origin]), platform, host);
  return {
    metadata,
    userdata: metadata?.userdata === undefined ? undefined : Buffer.from(metadata.userdata).toString(),
    record,
    paths: server.requests.map(({ method, url }) => (method === "GET" ? `${url}` : `${method} ${url}`)),
    requests: server.requests,
    logged: host.logged,
  };
}

async function readProvider(provider: Provider, platform: Partial<Platform>, host: TestHost) {
  const complete = { ...NO_PLATFORM, ...platform };
  const options = {
    platform: complete,
    recognised: provider.recognises(complete),
    end: host.clock.monotonic() + 20_000,
    signal: new AbortController().signal,
    isOver: () => false,
  };
  const { access, record } = createAccess(provider, options, host);
  const given = await provider.read(access);
  return { metadata: given && acceptMetadata(given, access.ignored), record };
}

/** What reading throws, as text. */
export async function readingFailure(reading: Promise<Reading>): Promise<string> {
  try {
    await reading;
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("Expected the source to fail");
}
