import { Socket } from "node:net";

/** The parts of undici's HTTP/1 parser that are used here: lib/dispatcher/client-h1.js of 7.30. */
interface Parser {
  /** The reader of the body is slower: parsing is paused. */
  paused: boolean;
  readonly ptr: number;
  readonly socket: Socket;
  readonly llhttp: { llhttp_resume(ptr: number): void };
  execute(chunk: Uint8Array): void;
  /** The server has closed the connection. */
  finish(): Error | null;
}

/** What we use of undici: an agent's `request()` sends. */
export type Undici = Pick<typeof import("undici"), "Agent" | "ProxyAgent" | "buildConnector">;

/**
 * Loads undici from the package's own files: Bun replaces `import "undici"` with a shim that ignores agents and
 * timeouts. Its index also loads fetch, WebSockets, caches and mocks, whose code and bytecode would make the
 * executable 2 MB larger.
 * It fixes a bug of version 7: if a server closes the connection while the reader is slower, an uncatchable assertion
 * ends the process. Version 8, which needs Node.js 22, has the same fix.
 * https://github.com/nodejs/undici/pull/5474
 */
export async function loadUndici(): Promise<Undici> {
  mending ??= mendParser();
  await mending;
  const [agent, proxyAgent, connect, dispatcher, api] = await Promise.all([
    import("undici/lib/dispatcher/agent.js"),
    import("undici/lib/dispatcher/proxy-agent.js"),
    import("undici/lib/core/connect.js"),
    import("undici/lib/dispatcher/dispatcher.js"),
    import("undici/lib/api/index.js"),
  ]);
  Object.assign(dispatcher.default.prototype, api.default); // as the index does: proxies need it too
  return { Agent: agent.default, ProxyAgent: proxyAgent.default, buildConnector: connect.default };
}

let mending: Promise<void> | undefined;

/** The parser's class is not exported: it is accessible once undici has attached an instance to a socket. */
async function mendParser(): Promise<void> {
  const { kParser } = (await import("undici/lib/core/symbols.js")).default;
  Object.defineProperty(Socket.prototype, kParser, {
    configurable: true,
    set(this: Socket, parser: Parser) {
      delete (Socket.prototype as unknown as Record<symbol, unknown>)[kParser];
      const shared = Object.getPrototypeOf(parser) as Parser;
      shared.finish = finishPaused(shared.finish);
      (this as unknown as Record<symbol, unknown>)[kParser] = parser;
    },
  });
}

/** Parses the buffered data before the end of the connection: the response may be complete, only not read yet. */
function finishPaused(finish: Parser["finish"]): Parser["finish"] {
  return function (this: Parser) {
    for (let more = true; this.paused && more; ) {
      resume(this);
      const data: Uint8Array = this.socket.read() ?? new Uint8Array();
      more = data.length > 0;
      this.execute(data);
    }
    if (this.paused) resume(this);
    return finish.call(this);
  };
}

function resume(parser: Parser): void {
  parser.llhttp.llhttp_resume(parser.ptr);
  parser.paused = false;
}
