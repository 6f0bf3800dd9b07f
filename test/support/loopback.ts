import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Duplex } from "node:stream";

export interface Loopback extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, or `https:`. */
  readonly origin: string;
  readonly port: number;
  /** Requests so far, in order. */
  readonly requests: readonly IncomingMessage[];
  /** Answers CONNECT, as a proxy for TLS does; `target` is `HOST:PORT`. */
  onConnect(answer: (target: string, socket: Duplex) => void): void;
}

/** An HTTP server on a free port of loopback; `answer` gets each request and its number, counted from 0. By TLS with `tls`, as PEM. */
export async function serveLoopback(
  answer: (request: IncomingMessage, response: ServerResponse, number: number) => void,
  { tls }: { readonly tls?: { readonly cert: string; readonly key: string } } = {},
): Promise<Loopback> {
  const requests: IncomingMessage[] = [];
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    answer(request, response, requests.push(request) - 1);
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port: 0, host: "127.0.0.1" }, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("No TCP port to be had on loopback");
  return {
    origin: `${tls === undefined ? "http" : "https"}://127.0.0.1:${address.port}`,
    port: address.port,
    requests,
    onConnect: (answerConnect) => {
      server.on("connect", (request: IncomingMessage, socket: Duplex) =>
        answerConnect(request.url ?? "", socket),
      );
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
