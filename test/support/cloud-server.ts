import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { CLOUD_CERTIFICATE, CLOUD_CERTIFICATE_KEY } from "./certificate.ts";

/**
 * A program: plays every cloud at its own address, inside of a test's network namespace. What it says stands in the file
 * that is its first argument, read anew for each request; the second is written once it listens.
 */
export type Script = Readonly<Record<string, Readonly<Record<string, Scene>>>>;

/** What is said to `METHOD PATH?QUERY` (only the path for GET) at an address; other paths are a 404. */
export type Scene = string | Act;

export interface Act {
  readonly status?: number;
  /** One after another, the last for ever. */
  readonly statuses?: readonly number[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** `stall`: never answers; `drip`: a byte each 300 ms, for ever; `flood`: 100 MiB. */
  readonly manner?: "stall" | "drip" | "flood";
  /** A header that the request must have, else the answer is 401. */
  readonly wants?: Readonly<Record<string, string>>;
  /** Only a privileged port gets an answer, others 403. */
  readonly privileged?: boolean;
}

const [scriptFile = "", readyFile = ""] = process.argv.slice(2);
const counts = new Map<string, number>();
let lastText = "";

function readScript(): Script {
  const text = readFileSync(scriptFile, "utf8");
  if (text !== lastText) counts.clear();
  lastText = text;
  return JSON.parse(text) as Script;
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const address = (request.socket.localAddress ?? "").replace("::ffff:", "").replace(/%.*/, "");
  const path = request.url ?? "/";
  const key = request.method === "GET" ? path : `${request.method} ${path}`;
  const scene = readScript()[address]?.[key];
  if (scene === undefined) response.writeHead(404).end();
  else if (typeof scene === "string") response.end(scene);
  else perform(`${address} ${key}`, scene, request, response);
}

function perform(key: string, act: Act, request: IncomingMessage, response: ServerResponse): void {
  const number = counts.get(key) ?? 0;
  counts.set(key, number + 1);
  const lacks = Object.entries(act.wants ?? {}).some(([name, value]) => request.headers[name] !== value);
  const isOrdinary = (request.socket.remotePort ?? 0) >= 1024;
  if (lacks || (act.privileged && isOrdinary)) {
    response.writeHead(lacks ? 401 : 403).end();
    return;
  }
  if (act.manner === "stall") return;
  const { statuses = [] } = act;
  response.writeHead(statuses[Math.min(number, statuses.length - 1)] ?? act.status ?? 200, act.headers);
  if (act.manner === "drip") {
    const timer = setInterval(() => response.write("#"), 300);
    response.on("close", () => clearInterval(timer));
  } else if (act.manner === "flood") {
    flood(response, 100);
  } else {
    response.end(act.body ?? "");
  }
}

function flood(response: ServerResponse, megabytes: number): void {
  if (megabytes === 0 || response.destroyed) response.end();
  else response.write(Buffer.alloc(1 << 20, "#"), () => flood(response, megabytes - 1));
}

async function listen(port: number, server: ReturnType<typeof createServer>): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host: "::" }, resolve);
  });
}

await listen(80, createServer(answer));
await listen(443, createSecureServer({ cert: CLOUD_CERTIFICATE, key: CLOUD_CERTIFICATE_KEY }, answer));
writeFileSync(readyFile, "");
