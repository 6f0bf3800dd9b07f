import { Socket } from "node:net";

/** What of undici's HTTP/1 parser is used here: lib/dispatcher/client-h1.js of 7.30. */
interface Parser {
  /** The reader of the body is behind: nothing more is parsed. */
  paused: boolean;
  readonly ptr: number;
  readonly socket: Socket;
  readonly llhttp: { llhttp_resume(ptr: number): void };
  execute(chunk: Uint8Array): void;
  /** The server has closed the connection. */
  finish(): Error | null;
}

/**
 * Loads undici: the package's own file, as Bun replaces `import "undici"` by a shim whose agents and timeouts do nothing.
 * A fault of version 7 is mended: where a server closes the connection while the reader of the answer is behind, it ends
 * the process by an assertion that nobody can catch. Version 8, which needs Node.js 22, has mended it in the same way.
 * https://github.com/nodejs/undici/pull/5474
 */
export async function loadUndici(): Promise<typeof import("undici")> {
  mending ??= mendParser();
  await mending;
  return await import("undici/index.js");
}

let mending: Promise<void> | undefined;

/** The parser's class is not exported: it shows when undici first hangs an instance on a socket. */
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

/** Parses what has come before the end is told: the answer may be complete, and only not read yet. */
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
